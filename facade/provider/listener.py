"""Who is told of what a server exports."""

from facade.provider.exporter import Exporter


class ExporterListener:
    """Write one of these, or both. (Dubbo: ExporterListener)

    All listeners are told, in their order, whatever one raises: that is logged, and the
    last of it raised once all know. An export whose listener raises is taken back.
    """

    def exported(self, exporter: Exporter, /) -> None:
        """A service can be called."""

    def unexported(self, exporter: Exporter, /) -> None:
        """It can't be any more. Calls under way may still end."""
