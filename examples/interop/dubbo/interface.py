"""demo.PetStore, as petstore/petstore.proto describes it."""

# ruff: noqa: N802 - methods are called as they are there

import facade
from examples.interop.dubbo.petstore.petstore_pb2 import (
    AdoptReply,
    AdoptRequest,
    BaggageReply,
    BaggageRequest,
    NapReply,
    NapRequest,
)


@facade.service("demo.PetStore", version="1.0.0")
class PetStore:
    """Gives pets away."""

    async def Adopt(self, request: AdoptRequest) -> AdoptReply:
        """The pet of this name, or an error: nobody is called "Nobody"."""
        raise NotImplementedError

    async def Baggage(self, request: BaggageRequest) -> BaggageReply:
        """What came beside the call. It sends "seen-by" back beside its value."""
        raise NotImplementedError

    async def Nap(self, request: NapRequest) -> NapReply:
        """Answers after so many seconds."""
        raise NotImplementedError
