"""`InRelease`: is it signed by the archive's key, is it of now, and which indices does it vouch for?

Rules: Debian repository format (https://wiki.debian.org/DebianRepository/Format).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from reprobuild.ground.digests import is_sha256
from reprobuild.ground.errors import TrustError
from reprobuild.lock.base import Suite

CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True)
class Index:
    """One file that a release vouches for; `size` in bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """A verified release."""

    fields: Mapping[str, str]
    files: Mapping[str, Index]

    @property
    def by_hash(self) -> bool:
        """True when indices are also served under their digest (field `Acquire-By-Hash`)."""
        return self.fields.get("Acquire-By-Hash") == "yes"


def verify_release(data: bytes, keys: bytes, suite: Suite, now: datetime) -> Release:
    """The release that one of the suite's keys signed and that is valid at `now`; TrustError otherwise."""
    text = _verified_text(data, keys, suite)
    release = _parse(text, suite.name)
    if suite.name not in (release.fields.get("Codename"), release.fields.get("Suite")):
        raise TrustError(f"{suite.name}: the mirror serves {release.fields.get('Codename')!r} under that name")
    if _date(release, "Date", suite) > now + CLOCK_SKEW:
        raise TrustError(
            f"{suite.name}: InRelease is dated {release.fields['Date']}, which is in the future",
            hint="is this machine's clock right?",
        )
    if "Valid-Until" in release.fields and _date(release, "Valid-Until", suite) < now:
        raise TrustError(
            f"{suite.name}: InRelease was valid until {release.fields['Valid-Until']}",
            hint="the mirror is out of date: wait for it, or use another one",
        )
    return release


def _verified_text(data: bytes, keys: bytes, suite: Suite) -> str:
    import pysequoia

    try:
        allowed = [key for key in pysequoia.Cert.split_bytes(keys) if key.fingerprint.upper() in suite.keys]
    except RuntimeError as error:
        raise TrustError(f"{suite.name}: the base's file of keys is broken: {_first_line(error)}") from error
    if not allowed:
        raise TrustError(f"{suite.name}: the base ships none of the keys that it names")
    # pysequoia is told nothing but the allowed certificates, so no other key can make a signature good.
    try:
        verified = pysequoia.verify(bytes=data, store=lambda _: allowed)
    except (RuntimeError, ValueError) as error:
        raise TrustError(
            f"{suite.name}: InRelease has no good signature by the archive's keys: {_first_line(error)}",
            hint="the mirror serves something else than the archive signed",
        ) from error
    signers = {signature.certificate.upper() for signature in verified.valid_sigs}
    if not signers & set(suite.keys) or verified.bytes is None:
        raise TrustError(f"{suite.name}: InRelease is not signed by a key that the base trusts for it")
    return bytes(verified.bytes).decode(errors="replace")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _parse(text: str, subject: str) -> Release:
    fields: dict[str, str] = {}
    files: dict[str, Index] = {}
    current = ""
    for line in text.splitlines():
        if line[:1] not in (" ", "\t"):
            current, _, value = line.partition(":")
            fields[current] = value.strip()
        elif current == "SHA256":
            digest, size, path = (*line.split(), "", "", "")[:3]
            if not is_sha256(digest) or not size.isdecimal() or not size.isascii() or not path:
                raise TrustError(f"{subject}: InRelease has a broken line: {line.strip()!r}")
            files[path] = Index(path, int(size), digest)
    return Release(fields, files)


def _date(release: Release, name: str, suite: Suite) -> datetime:
    try:
        date = parsedate_to_datetime(release.fields[name])
    except (KeyError, ValueError) as error:
        raise TrustError(f"{suite.name}: InRelease has no readable {name}") from error
    return date if date.tzinfo else date.replace(tzinfo=UTC)
