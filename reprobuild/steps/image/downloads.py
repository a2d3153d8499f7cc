"""The artifacts of a lock that the store lacks, from wherever this machine's pip, conda and apt would take them."""

from collections.abc import Sequence

from reprobuild.ground.errors import InputError
from reprobuild.ground.parallel import each
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.steps.lock.python import wheel_urls
from reprobuild.steps.world import World
from reprobuild.tools.apt import find_mirrors
from reprobuild.tools.download import download
from reprobuild.tools.fetch import Fetcher, MissingError
from reprobuild.tools.pip import PipIndex
from reprobuild.tools.progress import Progress

DOWNLOADS = 8
WHERE = {"deb": "the mirrors of its suite have", "wheel": "pip's sources have", "conda": "its channel has"}


def download_all(artifacts: Sequence[Artifact], base: Base, world: World, progress: Progress) -> None:
    """Download them, several at a time; InputError names the first that its sources no longer have."""
    progress.begin("downloading", sum(artifact.size for artifact in artifacts))
    suites = {artifact.source for artifact in artifacts if artifact.kind == "deb"}
    mirrors = {suite: find_mirrors(suite, base.component, world.settings, world.runner) for suite in sorted(suites)}
    repositories = {
        (artifact.source, artifact.name): world.repository(artifact.source, artifact.name)
        for artifact in artifacts
        if artifact.kind == "oci-layer"
    }
    index = PipIndex(world.pip, world.fetch) if any(artifact.kind == "wheel" for artifact in artifacts) else None

    def work(artifact: Artifact) -> None:
        fetch: Fetcher = world.fetch
        if artifact.kind == "oci-layer":
            repository = fetch = repositories[artifact.source, artifact.name]
            urls = [repository.blob_url(artifact.sha256)]
        elif index and artifact.kind == "wheel":
            urls = list(wheel_urls(artifact, index))
        elif artifact.kind == "conda":
            urls = [f"{place}/{artifact.path}" for place in world.channels.places(artifact.source)]
        else:
            urls = [f"{mirror}/{artifact.path}" for mirror in mirrors[artifact.source]]
        try:
            download(
                artifact.filename,
                urls,
                artifact.sha256,
                artifact.size,
                fetch=fetch,
                store=world.store,
                advance=progress.advance,
            )
        except MissingError as error:
            if artifact.kind == "oci-layer":
                raise InputError(
                    f"{artifact.source}/{artifact.name}: layer {artifact.version} is gone from the registry",
                    hint="run reprobuild lock --upgrade base for what its tag is now, or get it from another place: "
                    f'[registries] "{artifact.source}" in {world.settings.origin}',
                ) from error
            raise InputError(
                f"{artifact.filename}: {WHERE[artifact.kind]} it no longer: {artifact.name} {artifact.version}",
                hint="run reprobuild lock: a newer version has replaced it",
            ) from error

    each(work, artifacts, DOWNLOADS)
