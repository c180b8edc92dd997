"""Loggers that write what a peer sent so that it can do no harm there."""

import logging

# Characters of one record. More of them would only push others out of the log.
LONGEST = 8_000


def printable(text: str, longest: int = LONGEST) -> str:
    """With nothing in it that could start a line, move a cursor or turn the writing round, and
    not longer than that."""
    if len(text) > longest:
        text = text[:longest] + "..."
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def get_logger(name: str) -> logging.Logger:
    """``logging.getLogger``, where each record is one line, whatever it tells of.

    All of ours are made by it: names, addresses and texts come from peers.
    """
    logger = logging.getLogger(name)
    logger.addFilter(one_line)
    return logger


def one_line(record: logging.LogRecord) -> bool:
    """Escape the text of a record, and that of its exception. Those without need stay as they
    are, so that handlers find their parts."""
    try:
        text = record.getMessage()
    except Exception as error:  # of what it tells of: that must not fail who tells
        text = f"{record.msg} (which can't be told: {type(error).__name__})"
        record.msg, record.args = text, ()
    if len(text) > LONGEST or not text.isprintable():
        record.msg, record.args = printable(text), ()
    if record.exc_info and record.exc_info[1] is not None:
        _indent_traceback(record, record.exc_info[1])
    return True


def _indent_traceback(record: logging.LogRecord, error: BaseException) -> None:
    """The lines of a traceback begin with a blank where one of its exceptions has a text that
    could pass for lines of the log. (Formatters take the text that a record has.)"""
    if all(_text(each).isprintable() for each in _causes(error)):
        return
    lines = logging.Formatter().formatException(record.exc_info).splitlines()  # type: ignore[arg-type]
    record.exc_text = "\n".join("  " + printable(line) for line in lines)


def _causes(error: BaseException) -> list[BaseException]:
    """The exception, and all that a traceback tells of besides."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or any(each is known for known in found):
            continue
        found.append(each)
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
    return found


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""
