from reprobuild.tools.complaints import explain, named_project


def test_a_conflict_in_pip_names_both_sides_without_a_place() -> None:
    stderr = (
        "ERROR: Cannot install\nTraceback (most recent call last):\n  File x\n"
        "pip._vendor.ResolutionImpossible: [RequirementInformation(requirement=SpecifierRequirement('c<2'), "
        "parent=LinkCandidate('http://u:p@index.example/a-1.0-py3-none-any.whl (from http://index.example/a)')), "
        "RequirementInformation(requirement=SpecifierRequirement('c>=2'), parent=None)]\n"
    )

    assert explain(stderr) == ("these do not go together: a-1.0-py3-none-any.whl needs c<2; the project needs c>=2")


def test_an_unknown_project_is_named_by_both_resolvers() -> None:
    pip = explain(
        "  ERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)\nTrace"
    )
    uv = explain(
        "error: No solution\n  cause: Because nosuch was not found in the package registry and you\n     fail.\n"
    )

    assert pip == "Could not find a version that satisfies the requirement nosuch (from versions: none)"
    assert uv == "Because nosuch was not found in the package registry and you fail."
    assert named_project(pip) == named_project(uv) == "nosuch"


def test_a_traceback_shrinks_to_what_was_raised() -> None:
    assert explain("Traceback (most recent call last):\n  File x\npip._internal.Oops: it broke\n") == "it broke"


def test_uvs_causes_become_one_line() -> None:
    stderr = "error: Request failed\n  cause: operation timed out\n\nhint: none\n"

    assert explain(stderr) == "Request failed: operation timed out"


def test_what_uv_carries_over_to_the_next_line_is_kept() -> None:
    stderr = (
        "error: Request failed after 3 retries in 9.8s\n  cause: Failed to fetch:\n"
        "         http://index.example/alpha-1.0.whl\n  cause: HTTP status 404\n\nhint: none\n"
    )

    assert explain(stderr) == (
        "Request failed after 3 retries in 9.8s: Failed to fetch: http://index.example/alpha-1.0.whl: HTTP status 404"
    )


def test_silence_is_told_too() -> None:
    assert explain("") == "the resolver failed without a word"
