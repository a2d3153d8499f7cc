import itertools

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.lock.debian.resolver import resolve
from reprobuild.lock.debian.universe import Universe


def stanza(name: str, version: str = "1", **fields: str) -> str:
    values = {
        "Package": name,
        "Version": version,
        "Architecture": "amd64",
        "Priority": "optional",
        **{key.replace("_", "-"): value for key, value in fields.items()},
        "Filename": f"pool/main/{name}_{version}.deb",
        "Size": "1",
        "SHA256": "0" * 64,
    }
    return "".join(f"{key}: {value}\n" for key, value in values.items())


def offers(*stanzas: str, **suites: list[str]) -> Universe:
    texts = {"stable": list(stanzas), **suites} if stanzas else suites
    return Universe({suite: "\n".join(items).encode() for suite, items in texts.items()}, "amd64", list(texts))


def chosen(universe: Universe, *wanted: str) -> list[str]:
    return [package.name for package in resolve(universe, wanted)]


def refusal(universe: Universe, *wanted: str) -> str:
    with pytest.raises(InputError) as caught:
        resolve(universe, wanted)
    return f"{caught.value} / {caught.value.hint}"


def test_needs_of_needs_are_chosen_and_recommendations_are_not() -> None:
    universe = offers(
        stanza("app", Depends="lib (>= 1)", Recommends="extra"),
        stanza("lib", Pre_Depends="base"),
        stanza("base"),
        stanza("extra"),
    )

    assert chosen(universe, "app") == ["app", "base", "lib"]


def test_a_cycle_of_needs_is_closed() -> None:
    assert chosen(offers(stanza("a", Depends="b"), stanza("b", Depends="a")), "a") == ["a", "b"]


def test_a_chain_deeper_than_pythons_recursion_is_followed() -> None:
    links = [stanza(f"p{number}", Depends=f"p{number + 1}") for number in range(3000)]

    assert len(chosen(offers(*links, stanza("p3000")), "p0")) == 3001


def test_the_highest_version_of_all_suites_is_the_candidate() -> None:
    universe = offers(stable=[stanza("a", "1.9")], updates=[stanza("a", "1.10")], security=[stanza("a", "1.10~rc1")])

    (package,) = resolve(universe, ["a"])

    assert (package.version, package.suite) == ("1.10", "updates")


def test_a_version_that_the_candidate_does_not_have_is_not_to_be_had() -> None:
    universe = offers(stanza("app", Depends="lib (<< 2)"), stanza("lib", "2"))

    assert "app needs lib (<< 2)" in refusal(universe, "app")


def test_the_first_alternative_that_can_be_had_is_chosen() -> None:
    universe = offers(
        stanza("app", Depends="gone | broken | good | other"),
        stanza("broken", Depends="gone"),
        stanza("good"),
        stanza("other"),
    )

    assert chosen(universe, "app") == ["app", "good"]


def test_an_alternative_that_is_there_anyway_is_enough() -> None:
    universe = offers(stanza("app", Depends="first | second"), stanza("first"), stanza("second"))

    assert chosen(universe, "app", "second") == ["app", "second"]


def test_a_provider_stands_for_a_virtual_package() -> None:
    universe = offers(stanza("app", Depends="mailer"), stanza("exim", Provides="mailer"))

    assert chosen(universe, "app") == ["app", "exim"]


def test_a_versioned_need_takes_only_a_versioned_provider() -> None:
    universe = offers(
        stanza("app", Depends="api (>= 2)"),
        stanza("unversioned", Provides="api"),
        stanza("old", Provides="api (= 1)"),
        stanza("right", Provides="api (= 2)"),
    )

    assert chosen(universe, "app") == ["app", "right"]


def test_a_provider_of_higher_priority_is_preferred() -> None:
    universe = offers(
        stanza("app", Depends="api"),
        stanza("plain", Provides="api"),
        stanza("standard", Provides="api", Priority="standard"),
        stanza("vital", Provides="api", Essential="yes"),
    )

    assert chosen(universe, "app") == ["app", "vital"]


def test_among_equal_providers_the_one_mentioned_last_is_chosen_as_apt_does() -> None:
    stanzas = [stanza("app", Depends="api"), *(stanza(name, Provides="api") for name in ("pa", "pb", "pc"))]

    assert chosen(offers(*stanzas), "app") == ["app", "pc"]
    assert chosen(offers(stanza("aaa", Suggests="pc"), *stanzas), "app") == ["app", "pb"]


@pytest.mark.parametrize("qualifier", [":any", ":amd64"])
def test_a_qualified_need_is_met_by_the_package(qualifier: str) -> None:
    universe = offers(stanza("app", Depends=f"python3{qualifier}"), stanza("python3", Multi_Arch="allowed"))

    assert chosen(universe, "app") == ["app", "python3"]


def test_any_needs_a_package_that_allows_it() -> None:
    assert "app needs lib:any" in refusal(offers(stanza("app", Depends="lib:any"), stanza("lib")), "app")


def test_another_architecture_is_not_to_be_had() -> None:
    assert "app needs lib:i386" in refusal(offers(stanza("app", Depends="lib:i386"), stanza("lib")), "app")


def test_an_alternative_that_conflicts_with_what_was_asked_for_is_passed_over() -> None:
    universe = offers(
        stanza("app", Depends="first | second"),
        stanza("first", Conflicts="rival"),
        stanza("second"),
        stanza("rival"),
    )

    assert chosen(universe, "app", "rival") == ["app", "rival", "second"]


def test_a_conflict_between_providers_is_solved_by_what_a_later_package_forces() -> None:
    """`app` alone would take `light`; `maps` forces `heavy`, which excludes every other mailer and is one itself."""
    universe = offers(
        stanza("app", Depends="light | mailer"),
        stanza("light", Provides="mailer", Conflicts="mailer"),
        stanza("heavy", Provides="mailer", Conflicts="mailer"),
        stanza("maps", Depends="heavy"),
    )

    assert chosen(universe, "app") == ["app", "light"]
    assert chosen(universe, "app", "maps") == ["app", "heavy", "maps"]


def test_what_was_chosen_in_vain_is_left_out() -> None:
    universe = offers(
        stanza("app", Depends="light | mailer"),
        stanza("light", Depends="helper", Provides="mailer", Conflicts="mailer"),
        stanza("helper"),
        stanza("heavy", Provides="mailer", Conflicts="mailer"),
        stanza("maps", Depends="heavy"),
    )

    assert "helper" not in chosen(universe, "app", "maps")


def test_a_package_may_conflict_with_a_name_that_it_provides() -> None:
    assert chosen(offers(stanza("exim", Provides="mailer", Conflicts="mailer")), "exim") == ["exim"]


@pytest.mark.parametrize("field", ["Conflicts", "Breaks"])
def test_two_that_exclude_each_other_are_refused_with_both_names(field: str) -> None:
    said = refusal(offers(stanza("a", **{field: "b (<< 2)"}), stanza("b", "1")), "a", "b")

    assert "a conflicts with b (b (<< 2))" in said or "a conflicts with b" in said


def test_a_conflict_with_another_version_does_not_count() -> None:
    assert chosen(offers(stanza("a", Conflicts="b (<< 2)"), stanza("b", "2")), "a", "b") == ["a", "b"]


def test_an_unknown_name_is_told_with_the_nearest_ones() -> None:
    said = refusal(offers(stanza("libgomp1"), stanza("libgcc-s1")), "libgomp")

    assert said.startswith("debian packages: libgomp: no such package")
    assert "libgomp1" in said


def test_a_virtual_package_must_be_named_when_several_provide_it() -> None:
    said = refusal(offers(stanza("exim", Provides="mailer"), stanza("postfix", Provides="mailer")), "mailer")

    assert "name one of exim, postfix" in said


def test_the_order_of_stanzas_and_of_names_does_not_matter() -> None:
    stanzas = [
        stanza("app", Depends="api, light | mailer"),
        stanza("light", Provides="mailer", Conflicts="mailer"),
        stanza("heavy", Provides="mailer, api", Conflicts="mailer", Source="zeta (1)"),
        stanza("other", Provides="api", Source="alpha"),
    ]

    results = {
        tuple(chosen(offers(*order), *wanted))
        for order in itertools.permutations(stanzas)
        for wanted in (("app", "heavy"), ("heavy", "app"))
    }

    assert len(results) == 1


def test_folded_fields_are_read_whole() -> None:
    universe = offers(stanza("app", Depends="a,\n b"), stanza("a"), stanza("b"))

    assert chosen(universe, "app") == ["a", "app", "b"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("Depends", "lib (~ 1)"), ("Depends", "lib <!nocheck>"), ("Depends", "lib (>= 1"), ("Conflicts", "../x")],
)
def test_a_relation_that_can_not_be_read_is_an_error(field: str, value: str) -> None:
    assert "stable: app: not a relation" in refusal(offers(stanza("app", **{field: value}), stanza("lib")), "app")
