"""The text of an error, as gRPC takes it: in a header."""

# Bytes, as gRPC quotes them, of a text of ours. All metadata of a call should stay below 8192,
# where gRPC begins to refuse them, and with them the status.
LONGEST = 4_000

# Of one that a servicer gave, or one that travels a second time, in google.rpc.Status.
LONGEST_GIVEN, LONGEST_AGAIN = 7_000, 2_000


def short(text: str, longest: int = LONGEST) -> str:
    """What fits in so many bytes, once gRPC has quoted it: three for each byte of UTF-8 that is
    not printable ASCII."""
    data = sendable(text[: longest + 1]).encode()
    for index, byte in enumerate(data):
        longest -= 1 if 0x20 <= byte <= 0x7E and byte != 0x25 else 3
        if longest < 0:
            return f"{data[:index].decode(errors='ignore')}..."
    return data.decode()


def sendable(text: str) -> str:
    """Without what UTF-8 can't hold: parts of an undecodable file name, say."""
    return text.encode("utf-8", "backslashreplace").decode()
