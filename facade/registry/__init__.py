"""Who provides what: what registries tell, and how to ask them."""

from facade.registry.provider import Provider

__all__ = ["Provider"]
