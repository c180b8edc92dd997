"""Who serves what, and where: providers announce themselves, consumers are told."""

from facade.registry.provider import Provider

__all__ = ["Provider"]
