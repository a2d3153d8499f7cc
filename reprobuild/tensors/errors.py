"""Why a file could not be read as values."""

import struct
import zipfile
import zlib

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, MemoryError),
    *(ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, AttributeError),
    SystemError,  # NumPy's for text beyond Unicode
)
"""What Python's own readers of zips, pickles and structures raise for broken ones, and NumPy for broken elements."""


class UnreadableError(ValueError):
    """A file whose values are not known; the text says why, on one line."""


class MalformedError(UnreadableError):
    """A file that is not of the format that its name promises."""


class UncomparableError(UnreadableError):
    """A file too large or too unusual to be read as values."""


class ProgramError(UnreadableError):
    """A file of which no more than its bytes can be compared, such as one that only running its code could read."""
