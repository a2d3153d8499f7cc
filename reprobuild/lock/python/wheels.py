"""Of a release's files, the one wheel that fits an image best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from reprobuild.ground.errors import InputError
from reprobuild.lock.python.requirements import Pin
from reprobuild.lock.python.target import Target


@dataclass(frozen=True)
class Offer:
    """One file as a source lists it; digest and size (bytes) where the source tells them."""

    filename: str
    url: str
    sha256: str = ""
    size: int | None = None
    metadata_sha256: str | None = None
    """Digest of the file's METADATA that the source serves beside it (PEP 658); empty: served, digest untold."""


class NoWheelError(InputError):
    """A pin has no wheel that fits the image."""


def choose_wheel(pin: Pin, offers: Iterable[Offer], target: Target) -> Sequence[Offer]:
    """The places of the best wheel for `target` among the pinned files; NoWheelError names what exists instead.

    Places whose digest is untold are kept: the pin's hashes decide when the file has been read.
    """
    pinned = [offer for offer in offers if not offer.sha256 or offer.sha256 in pin.hashes]
    ranked: dict[str, tuple[int, tuple[()] | tuple[int, str]]] = {}
    for offer in pinned:
        try:
            name, version, build, tags = parse_wheel_filename(offer.filename)
        except InvalidWheelFilename:
            continue
        if canonicalize_name(name) != pin.name or version != pin.version:
            continue
        fitting = [target.ranks[tag] for tag in tags if tag in target.ranks]
        if fitting:
            ranked[offer.filename] = (-min(fitting), build)
    if not ranked:
        names = sorted({offer.filename for offer in pinned if _is_of(offer, pin)})
        there = f"there are {', '.join(names[:4])}{' …' if len(names) > 4 else ''}" if names else "there is no wheel"
        raise NoWheelError(
            f"{pin.name} {pin.version}: no wheel for {target}: {there}",
            hint="ask for a version that has one, or build the wheel and add its folder to pip's find-links",
        )
    best = max(ranked, key=lambda filename: (ranked[filename], filename))
    return [offer for offer in pinned if offer.filename == best]


def _is_of(offer: Offer, pin: Pin) -> bool:
    return str(pin.version) in offer.filename
