"""One chosen wheel: its digest, size and METADATA, from what its places tell or from the file itself."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from packaging.utils import canonicalize_name

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.python.requirements import Pin
from reprobuild.lock.python.wheels import Offer
from reprobuild.tools.download import digest_of, download
from reprobuild.tools.fetch import Fetcher, MissingError
from reprobuild.tools.store import Store

MAX_METADATA = 16 << 20


def lock_wheel(pin: Pin, places: Sequence[Offer], fetch: Fetcher, store: Store) -> tuple[Artifact, bytes]:
    """The artifact that a pin's chosen wheel is, and its METADATA; InputError when a place sends other bytes.

    The wheel itself is downloaded, into the store, only where its places leave something untold.
    """
    places = _same_file(pin, places, fetch)
    filename, sha256 = places[0].filename, places[0].sha256
    size = next((place.size for place in places if place.size is not None), None)
    metadata = _served_metadata(places, fetch)
    if metadata is None or size is None:
        blob = download(filename, [place.url for place in places], sha256, size, fetch=fetch, store=store)
        size = blob.stat().st_size
        metadata = _packed_metadata(blob, filename) if metadata is None else metadata
    artifact = Artifact(
        kind="wheel",
        name=pin.name,
        version=str(pin.version),
        filename=filename,
        size=size,
        sha256=sha256,
        source="pip",
    )
    return artifact, metadata


def _same_file(pin: Pin, places: Sequence[Offer], fetch: Fetcher) -> list[Offer]:
    """The places with the first told digest; where none is told, the first whose bytes the pin allows."""
    if told := [place for place in places if place.sha256]:
        return [place for place in told if place.sha256 == told[0].sha256]
    seen = ""
    for place in places:
        seen = digest_of(place.url, fetch)
        if seen in pin.hashes:
            return [replace(place, sha256=seen)]
    raise InputError(f"{places[0].filename}: its sha256 is {seen[:12]}, which the pin does not allow")


def _served_metadata(places: Sequence[Offer], fetch: Fetcher) -> bytes | None:
    """METADATA as a source serves it beside the wheel (PEP 658), where its digest is told and right."""
    for place in places:
        if not place.metadata_sha256:
            continue
        try:
            data = fetch.read(place.url + ".metadata", limit=MAX_METADATA).body
        except MissingError:
            continue
        if sha256_bytes(data) != place.metadata_sha256:
            raise InputError(f"{place.filename}.metadata: the index promises another sha256 than it sends")
        return data
    return None


def _packed_metadata(wheel: Path, filename: str) -> bytes:
    """METADATA inside a wheel whose digest is already verified."""
    project = canonicalize_name(filename.split("-")[0])
    try:
        with ZipFile(wheel) as archive:
            found = [info for info in archive.infolist() if _is_metadata(info.filename, project)]
            if len(found) != 1 or found[0].file_size > MAX_METADATA or found[0].flag_bits & 1:
                raise InputError(f"{filename}: not a wheel: not one plain METADATA of {project}")
            return archive.read(found[0])
    except (BadZipFile, NotImplementedError, EOFError, zlib.error) as error:
        raise InputError(f"{filename}: not a wheel: {error}") from error


def _is_metadata(path: str, project: str) -> bool:
    folder, _, name = path.partition("/")
    if name != "METADATA" or not folder.endswith(".dist-info"):
        return False
    return canonicalize_name(folder.removesuffix(".dist-info").rpartition("-")[0]) == project


def locate_wheel(artifact: Artifact, offers: Sequence[Offer]) -> list[str]:
    """Where a locked wheel can be had: places that offer that file, those that tell the same digest first."""
    same = [offer for offer in offers if offer.filename == artifact.filename]
    told = [offer.url for offer in same if offer.sha256 == artifact.sha256]
    return list(dict.fromkeys([*told, *(offer.url for offer in same if not offer.sha256)]))


def describe_offers(offers: Sequence[Offer]) -> str:
    """`there are …` with a few file names, the newest last in order of names; "" when there is none."""
    names = sorted({offer.filename for offer in offers})
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"there are {', '.join(names[-4:])}{more}" if names else ""
