"""The one small tree of errors. Each text says what to do next.

Pure: no clock, no files. io/ turns operating system errors into SourceError, parsers raise
ParseError, the sampler turns both into a Fault; nothing on the right ever sees an exception.
"""


class SmtpqError(Exception):
    """Any error that this program raises on purpose."""


class ConfigError(SmtpqError):
    """A configuration that cannot be used: `where` is a path such as ``mtas[1].interval``."""

    def __init__(self, where: str, what: str) -> None:
        """Name the place in the file and what is wrong there, with the remedy."""
        super().__init__(f"{where}: {what}" if where else what)
        self.where, self.what = where, what


class SourceError(SmtpqError):
    """A source could not be read. `kind` is one of model.FAULT_KINDS, `hint` says what to do."""

    def __init__(self, kind: str, what: str, hint: str = "") -> None:
        """State what failed, and the remedy if there is one."""
        super().__init__(f"{what}; {hint}" if hint else what)
        self.kind, self.what, self.hint = kind, what, hint


class ParseError(SmtpqError):
    """Input that is not of the expected form: `excerpt` is cut and printable, never a whole message."""

    def __init__(self, where: str, what: str, excerpt: bytes | str = b"") -> None:
        """State where (record, line, byte) and what was found there."""
        text = excerpt.decode("utf-8", "backslashreplace") if isinstance(excerpt, bytes) else excerpt
        text = "".join(c if c.isprintable() else "?" for c in text[:60])
        super().__init__(f"{where}: {what}" + (f": {text!r}" if text else ""))
        self.where, self.what, self.excerpt = where, what, text
