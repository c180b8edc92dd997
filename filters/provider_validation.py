"""Refuse arguments that do not fit, at the provider. (Dubbo: ValidationFilter)"""

from facade.core.errors import Sent
from facade.core.filter import PROVIDER, activate
from facade.filters.validation import Validation


@activate(group=PROVIDER, order=-1_500, when="validation")
class ProviderValidation(Validation):
    """The same at the provider, see Validation. The types were checked there
    when the arguments were decoded, so it has only the callable to ask."""

    _sent = Sent.NOT_EXECUTED
    _types_at_this_end = False
