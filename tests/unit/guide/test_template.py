import pytest

from reprobuild.ground.errors import InputError
from reprobuild.guide.template import for_templates, own_template, render_template


def render(text: str, **values: object) -> str:
    return render_template(text, "team.md.tmpl", values)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n{{ nothing }}\n", "team.md.tmpl:2: 'nothing' is undefined"),
        ("a\n\n{% for %}\n", "team.md.tmpl:3: "),
        ("{% if x %}\n", "team.md.tmpl:1: "),
        ("a\n{{ 1 // 0 }}\n", "team.md.tmpl:2: "),
        ("{{ given.missing }}", "team.md.tmpl:1: "),
        ("{{ given.__class__.__mro__ }}", "team.md.tmpl:1: access to attribute '__class__'"),
        ("{{ given.upper() }}", "team.md.tmpl:1: "),
        ("{{ 'x' * 1000000000 }}", "team.md.tmpl:1: * is for small numbers"),
        ("{{ 9 ** 9 ** 9 }}", "team.md.tmpl:1: ** is for small numbers"),
        ("{{ '%1000000000d' % 1 }}", "team.md.tmpl:1: % is for small numbers"),
        ("{% include 'other' %}", "team.md.tmpl:1: other"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "team.md.tmpl:1: "),
        ("{{ range(9) }}", "team.md.tmpl:1: 'range' is undefined"),
        ("{{ given | center(1000000000) }}", "team.md.tmpl:1: No filter named 'center'"),
    ],
)
def test_a_mistake_in_a_template_is_one_line_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        render(text, given="word")

    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "docs/guide.md tells what a template may use"


def test_loops_are_bounded() -> None:
    nested = "{% for a in rows %}{% for b in rows %}{% for c in rows %}{% endfor %}{% endfor %}{% endfor %}"

    with pytest.raises(InputError, match=r"team\.md\.tmpl:1: its loops take more than 1000000 steps"):
        render(nested, rows=tuple(range(2000)))


def test_what_it_writes_is_bounded() -> None:
    with pytest.raises(InputError, match="it writes more than 8 MiB"):
        render("{% for a in rows %}{% for b in rows %}" + "word " * 100 + "{% endfor %}{% endfor %}", rows=range(900))


def test_values_are_escaped_and_macros_write_markdown() -> None:
    text = "{% macro strong(x) %}**{{ x }}**{% endmacro %}{{ strong('*a*') }} {{ '<b>' ~ given }} {{ given | code }}"

    assert render(text, given="# b") == "**\\*a\\*** &lt;b&gt;# b `# b`\n"


def test_a_template_calls_what_it_is_given_and_nothing_else() -> None:
    assert render("{{ twice(2) }}", twice=for_templates(lambda x: 2 * x)) == "4\n"
    with pytest.raises(InputError, match=r"team\.md\.tmpl:1: .* is not safely callable"):
        render("{{ twice(2) }}", twice=lambda x: 2 * x)


def test_blank_lines_and_line_ends_have_one_spelling() -> None:
    assert render("\n\na  \r\n\n\n\nb\n\n") == "a\n\nb\n"


def test_our_own_template_comes_with_the_package() -> None:
    assert '{{ section("limitations") }}' in own_template()
