"""Properties become settings, or every reason why not is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.errors import Problem, SettingsError
from antmediad.settings.parse import (
    Origin,
    Parsed,
    parse_server_settings,
    parse_settings,
)
from antmediad.settings.schema import (
    APPLICATION_KEYS,
    APPLICATION_SPELLINGS,
    SERVER_SPELLINGS,
    Settings,
)
from antmediad.settings.setting import text_of

LONG = "a secret of more than 32 characters"


@dataclass(frozen=True)
class Line:
    key: str
    value: str
    line: int


def lines(text: str) -> list[Line]:
    pairs = (line.partition("=") for line in text.splitlines())
    return [Line(key, value, number) for number, (key, _, value) in enumerate(pairs, 1)]


def parsed(text: str) -> Parsed:
    return parse_settings(lines(text))


def errors(text: str, *, guarded_by: str = "") -> list[Problem]:
    """Return the errors of a text that has some."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(lines(text), guarded_by=(lambda: guarded_by) if guarded_by else None)
    return [problem for problem in caught.value.problems if problem.severity == "error"]


def warnings(text: str, key: str, application: str = "") -> list[str]:
    found = parse_settings(lines(text), application=application).problems
    return [problem.message for problem in found if problem.key == key]


def value_of(key: str, text: str) -> object:
    return getattr(parsed(f"{key}={text}").settings, APPLICATION_KEYS[key].name)


def test_an_application_without_a_line_has_closed_defaults() -> None:
    settings = parsed("").settings

    assert settings == Settings()
    assert settings.ip_filter_enabled
    assert settings.remote_allowed_cidr == (ip_network("127.0.0.1"),)


# --- spellings


@pytest.mark.parametrize("spelling", sorted(APPLICATION_SPELLINGS))
def test_every_spelling_is_read(spelling: str) -> None:
    for setting in APPLICATION_SPELLINGS[spelling]:
        found = parsed(f"{spelling}={text_of(setting.default)}")

        assert found.origins[setting.key] == Origin(1, spelling, "file")
        assert not found.unknown


@pytest.mark.parametrize(
    ("text", "url", "line"),
    [
        pytest.param("settings.jwksURL=a.b", "https://a.b", 1, id="old"),
        pytest.param("jwksURL=a.b\nsettings.jwksURL=", "https://a.b", 1, id="old-empty"),
        pytest.param("jwksURL=\nsettings.jwksURL=a.b", "https://a.b", 2, id="current-empty"),
        pytest.param("settings.jwksURL=a.b\njwksURL=c.d", "https://c.d", 2, id="both"),
        pytest.param("jwksURL=a.b\njwksURL=c.d", "https://c.d", 2, id="twice"),
    ],
)
def test_the_spelling_with_a_value_counts(text: str, url: str, line: int) -> None:
    found = parsed(text)

    assert found.settings.jwks_url == (url,)
    assert found.origins["jwksURL"].line == line


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("settings.jwksURL=a.b\njwksURL=c.d", id="spellings-differ"),
        pytest.param("jwksURL=a.b\njwksURL=c.d", id="twice"),
    ],
)
def test_lines_that_disagree_are_named(text: str) -> None:
    (message,) = warnings(text, "jwksURL")

    assert "line 1" in message
    assert "line 2" in message


def test_spellings_that_agree_are_fine() -> None:
    assert warnings("jwksURL=a.b\nsettings.jwksURL=a.b ", "jwksURL") == []


def test_the_old_token_switch_turns_on_both() -> None:
    settings = parsed("settings.tokenControlEnabled=true\nplayTokenControlEnabled=false").settings

    assert settings.publish_token_control_enabled
    assert not settings.play_token_control_enabled


# --- the guard that must not vanish


@pytest.mark.parametrize("text", ["", "jwtSecretKey=x", "appName=a\njwtControlEnable=true"])
def test_a_jwt_filter_is_not_switched_off_by_a_missing_line(text: str) -> None:
    (problem,) = errors(text, guarded_by="jwtControlEnabled")

    assert problem == Problem(
        "error",
        "was true and its line is gone; write jwtControlEnabled=false to switch the JWT filter off",
        len(text.splitlines()),
        "jwtControlEnabled",
    )


@pytest.mark.parametrize(
    ("spelling", "text"),
    [
        ("jwtControlEnabled", "jwtControlEnabled=false"),
        ("settings.jwtControlEnabled", "jwtControlEnabled=false"),
        ("settings.jwtControlEnabled", "settings.jwtControlEnabled=off"),
    ],
)
def test_a_jwt_filter_is_switched_off_by_saying_so(spelling: str, text: str) -> None:
    found = parse_settings(lines(text), guarded_by=lambda: spelling)

    assert not found.settings.jwt_control_enabled


@pytest.mark.parametrize("rest", ["", "jwtControlEnabled=\n"], ids=["gone", "empty"])
def test_an_older_spelling_does_not_switch_off_what_the_current_one_switched_on(rest: str) -> None:
    (problem,) = errors(f"{rest}settings.jwtControlEnabled=no", guarded_by="jwtControlEnabled")

    assert problem.key == "jwtControlEnabled"
    assert problem.line == rest.count("\n") + 1


def test_an_empty_jwt_switch_is_one_error() -> None:
    (problem,) = errors("jwtControlEnabled=", guarded_by="jwtControlEnabled")

    assert "found nothing" in problem.message


# --- values


@pytest.mark.parametrize("text", ["true", "TRUE", " on ", "Yes", "1"])
def test_switches_are_on(text: str) -> None:
    assert value_of("jwtControlEnabled", text) is True


@pytest.mark.parametrize("text", ["false", "False", "off\t", "NO", "0"])
def test_switches_are_off(text: str) -> None:
    assert value_of("ipFilterEnabled", text) is False


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-1", -1),
        ("+7", 7),
        ("007", 7),
        (" 1 0 ", 10),
        ("0x1F", 31),
        ("-0X1f", -31),
        ("#ff", 255),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
    ],
)
def test_whole_numbers_are_read_as_java_does(text: str, number: int) -> None:
    assert value_of("webRTCViewerLimit", text) == number


def test_long_numbers_have_64_bits() -> None:
    assert value_of("iceGatheringTimeoutMs", "9223372036854775807") == 2**63 - 1


@pytest.mark.parametrize(
    ("text", "number"), [("0.1f", 0.1), ("1", 1.0), ("1e2D", 100.0), (".5", 0.5), ("5.", 5.0)]
)
def test_numbers_are_read_as_java_does(text: str, number: float) -> None:
    assert value_of("abrUpScalePacketLostRatio", text) == number


def test_texts_are_exact() -> None:
    assert value_of("fileNameFormat", " %r ") == " %r "
    assert value_of("apnTeamId", "") == ""
    assert parsed("").settings.apn_team_id is None


@pytest.mark.parametrize(
    ("key", "text", "items"),
    [
        ("webapp.virtualHosts", "*, a.b ,,c", ("*", "a.b", "c")),
        ("httpForwardingExtension", "mp4, m3u8", ("mp4", " m3u8")),
        ("jwtIssuer", " https://a/ , b ", ("https://a/", "b")),
        ("vodImportRoots", "/srv/a, /srv/b", ("/srv/a", "/srv/b")),
        ("jwtAlgorithms", "RS256,ES256", ("RS256", "ES256")),
    ],
)
def test_lists_are_tuples(key: str, text: str, items: tuple[str, ...]) -> None:
    assert value_of(key, text) == items


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        pytest.param("10.0.0.1", ["10.0.0.1/32"], id="host"),
        pytest.param("10.1.2.3/8", ["10.0.0.0/8"], id="host-bits"),
        pytest.param(" 10.0.0.1 , ,::1, ", ["10.0.0.1/32", "::1/128"], id="blanks"),
        pytest.param("[::1],[2001:db8::]/32", ["::1/128", "2001:db8::/32"], id="brackets"),
        pytest.param("::ffff:10.0.0.1", ["10.0.0.1/32"], id="mapped-host"),
        pytest.param("::ffff:10.0.0.0/104", ["10.0.0.0/8"], id="mapped-network"),
        pytest.param("::ffff:0:0/96", ["0.0.0.0/0"], id="mapped-everything"),
        pytest.param("0.0.0.0/0,::/0", ["0.0.0.0/0", "::/0"], id="everything"),
        pytest.param("", [], id="nobody"),
    ],
)
def test_networks_are_read_once(text: str, networks: list[str]) -> None:
    assert value_of("remoteAllowedCIDR", text) == tuple(map(ip_network, networks))


@pytest.mark.parametrize(
    "item",
    [
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/-1",
        "10.0.0.0/08",
        "10.0.0.0/",
        "10.0.0",
        "127.1",
        "2130706433",
        "010.0.0.1",
        "localhost",
        "10.0.0.0/8;80",
        "10.0.0.1 10.0.0.2",
        "'0.0.0.0/0'",
        "fe80::1%eth0",
        "[10.0.0.1]",
        "[::1",
        "10.0.0.1/٣",
    ],
)
def test_an_item_that_is_no_network_is_named_by_its_position(item: str) -> None:
    (problem,) = errors(f"remoteAllowedCIDR=::1, {item}")

    assert problem.line == 1
    assert "item 2 is neither" in problem.message


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("https://a.b/c", ("https://a.b/c",)),
        (" tenant.auth0.com ", ("https://tenant.auth0.com",)),
        ("localhost:8080/x", ("https://localhost:8080/x",)),
        ("https://a.b, http://[::1]:8080/k#", ("https://a.b", "http://[::1]:8080/k#")),
        ("HTTPS://a.b", ("HTTPS://a.b",)),
    ],
)
def test_key_set_urls_get_a_scheme(text: str, urls: tuple[str, ...]) -> None:
    assert value_of("jwksURL", text) == urls


@pytest.mark.parametrize(
    "text",
    ["ftp://a.b", "httpx://a.b", "file:///etc/x", "https://", "a b", "https://a.b/c d",
     "https://a.b:x", "https://a.b:99999", "https://[::1", "https://a..b", "https://1.2.3"],
)  # fmt: skip
def test_what_is_no_key_set_url_is_an_error(text: str) -> None:
    (problem,) = errors(f"jwksURL={text}")

    assert "item 1 is neither" in problem.message


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://a.b", True),
        ("http://127.0.0.1:80", False),
        ("http://localhost", False),
        ("http://[::1]/", False),
        ("https://a.b", False),
    ],
)
def test_key_sets_over_plain_http_are_told_unless_local(url: str, told: bool) -> None:
    assert bool(warnings(f"jwksURL={url}", "jwksURL")) == told


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("encoderParameters", '{"libx264":{"preset":"fast"}}'),
        ("customSettings", " {} "),
        ("encoderSettingsString", '[{"height":480,"videoBitrate":1,"audioBitrate":2}]'),
        ("encoderSettingsString", "480,500000,96000, 240,300000,64000"),
        ("encoderSettingsString", ""),
        ("firebaseAccountKeyJSON", "not json"),
    ],
)
def test_json_is_kept_as_its_text(key: str, text: str) -> None:
    assert value_of(key, text) == text


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("jwtControlEnabled", "maybe", "expected true or false"),
        ("jwtControlEnabled", " ", "found nothing"),
        ("gopSize", "", "expected a whole number of 32 bits; found nothing"),
        ("gopSize", "1.5", "expected a whole number of 32 bits"),
        ("gopSize", "2147483648", "expected a whole number of 32 bits"),
        ("gopSize", "9" * 5000, "expected a whole number of 32 bits"),
        ("gopSize", "1_000", "expected a whole number of 32 bits"),
        ("gopSize", "0x", "expected a whole number of 32 bits"),
        ("iceGatheringTimeoutMs", "9223372036854775808", "expected a whole number of 64 bits"),
        ("abrUpScalePacketLostRatio", "NaN", "expected a number"),
        ("abrUpScalePacketLostRatio", "1e39", "expected a number"),
        ("abrUpScalePacketLostRatio", "", "expected a number"),
        ("customSettings", "[]", "expected a JSON object"),
        ("customSettings", "", "expected a JSON object"),
        ("customSettings", '{"a":NaN}', "expected a JSON object"),
        ("customSettings", "[" * 100_000, "expected a JSON object"),
        ("timeTokenPeriod", "0", "expected 1 or more"),
        ("jwtClockSkewSeconds", "301", "expected 0 to 300"),
        ("jwksMaxStaleSeconds", "-1", "expected 0 or more"),
        ("jwtAlgorithms", "RS256,none", "expected each item one of HS256"),
        ("vodImportRoots", "/a,b", "item 2 is not"),
        ("vodImportRoots", "/a/../etc", "item 1 is not"),
        ("db.type", "oracle", "expected one of mapdb"),
        ("db.type", "", "expected one of mapdb"),
        ("db.name", "..", "expected letters"),
        ("db.name", "a/b", "expected letters"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error(key: str, text: str, expected: str) -> None:
    (problem,) = errors(f"\n{key}={text}")

    assert (problem.line, problem.key) == (2, key)
    assert expected in problem.message


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("audioLevelThreshold", "128"),
        ("webRTCPortRangeMax", "70000"),
        ("previewFormat", "bmp"),
        ("hlsTime", "two"),
        ("listenerHookURL", "hooks.example"),
    ],
)
def test_limits_of_what_is_only_carried_are_warnings(key: str, text: str) -> None:
    assert warnings(f"{key}={text}", key)[0].startswith("expected ")


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    reader = Problem("error", "malformed escape", 2, "x")

    with pytest.raises(SettingsError) as caught:
        parse_settings(lines("gopSize=a\n\njwtControlEnabled=b\nvodFolder=c"), problems=[reader])

    found = [(problem.severity, problem.line) for problem in caught.value.problems if problem.line]
    assert found == [("error", 1), ("error", 2), ("error", 3), ("warning", 4)]


def test_warnings_of_the_reader_are_kept() -> None:
    reader = Problem("warning", "read as UTF-8", 1)

    assert reader in parse_settings([], problems=[reader]).problems


# --- placeholders and references


def expanded(text: str, environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return what listenerHookURL, the first line, expands to and where from."""
    found = parse_settings(lines(f"listenerHookURL={text}"), environment=environment or {})
    return found.settings.listener_hook_url, found.origins["listenerHookURL"].source


@pytest.mark.parametrize(
    ("text", "value", "source"),
    [
        pytest.param("http://${host}/x\nhost=a.b", "http://a.b/x", "file", id="same-file"),
        pytest.param("http://${HOME}", "http://here", "env:HOME", id="environment"),
        pytest.param("http://${nope:a.b:80}", "http://a.b:80", "default", id="default"),
        pytest.param("http://${nope:${HOME}}", "http://here", "env:HOME, default", id="nested"),
        pytest.param("http://${x${y}}\ny=1\nx1=z", "http://z", "file", id="nested-name"),
        pytest.param("http://${a}\na=${b}\nb=c", "http://c", "file", id="chain"),
        pytest.param("http://${nope:}a", "http://a", "default", id="empty-default"),
        pytest.param("http://a/{x}/$x/${", "http://a/{x}/$x/${", "file", id="no-placeholder"),
    ],
)
def test_placeholders_expand(text: str, value: str, source: str) -> None:
    assert expanded(text, {"HOME": "here"}) == (value, source)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("${NOPE}", "placeholder NOPE stands for nothing", id="unknown"),
        pytest.param("${a}\na=${b}\nb=${a}", "circle", id="circle"),
        pytest.param("${listenerHookURL}", "circle", id="itself"),
        pytest.param("${" * 50 + "}" * 50, "nested too deeply", id="deep"),
        pytest.param("x${env:HOME}", "to be the whole value", id="reference-inside"),
        pytest.param("${env:HOME}", "environment variable HOME is not set", id="unresolved"),
        pytest.param(
            "\n".join(["${a0}"] + [f"a{i}=${{a{i + 1}}}${{a{i + 1}}}" for i in range(20)])
            + "\na20=" + "x" * 64,
            "too long",
            id="bomb",
        ),
    ],
)  # fmt: skip
def test_placeholders_that_lead_nowhere_are_errors(text: str, expected: str) -> None:
    (problem,) = errors(f"listenerHookURL={text}")

    assert problem.line == 1
    assert expected in problem.message


def test_an_exponential_number_of_empty_placeholders_is_expanded_at_once() -> None:
    chain = [f"a{i}=${{a{i + 1}}}${{a{i + 1}}}" for i in range(30)]

    assert expanded("\n".join(["x${a0}", *chain, "a30="]))[0] == "x"


@pytest.mark.parametrize("secret", ["pa${ss}", "${jwksURL", "#{1+1}", "${a}b${c}"])
def test_secrets_are_literal(secret: str) -> None:
    assert value_of("jwtSecretKey", secret) == secret


def test_a_secret_that_looks_like_a_placeholder_is_told() -> None:
    assert "literally" in warnings("jwtSecretKey=${SECRET}", "jwtSecretKey")[0]


def test_a_secret_inside_another_value_is_told() -> None:
    text = f"listenerHookURL=https://a.b/${{jwtSecretKey}}\njwtSecretKey={LONG}"

    (message,) = warnings(text.replace(" ", "-"), "listenerHookURL")

    assert "includes the secret jwtSecretKey" in message


@pytest.mark.parametrize(
    ("key", "reference", "source"),
    [
        ("jwtSecretKey", "${env:SECRET}", "env:SECRET"),
        ("jwtSecretKey", "${file:/run/secret}", "file:/run/secret"),
        ("jwtSecretKey", "${credential:jwt} ", "credential:jwt"),
        ("fileNameFormat", "${env:FORMAT}", "env:FORMAT"),
    ],
)
def test_a_whole_value_can_be_a_reference(key: str, reference: str, source: str) -> None:
    asked: list[str] = []

    def resolve(kind: str, name: str) -> str:
        asked.append(f"{kind}:{name}")
        return LONG if kind == "env" else LONG + "\n"

    found = parse_settings(lines(f"{key}={reference}"), resolve=resolve)

    assert getattr(found.settings, APPLICATION_KEYS[key].name) == LONG
    assert found.origins[key].source == source
    assert asked == [source]


@pytest.mark.parametrize("kind", ["file", "credential"])
def test_what_is_shown_cannot_refer_to_a_file(kind: str) -> None:
    with pytest.raises(SettingsError, match="of a secret only"):
        parse_settings(lines(f"jwtIssuer=${{{kind}:shadow}}"), resolve=lambda *_: LONG)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(KeyError("S3cret"), id="unknown"),
        pytest.param(PermissionError(13, "S3cret"), id="unreadable"),
        pytest.param(UnicodeDecodeError("utf-8", b"S3cret", 0, 1, "S3cret"), id="no-text"),
        pytest.param(None, id="empty"),
    ],
)
def test_a_reference_that_cannot_be_read_is_an_error_without_its_content(
    failure: Exception | None,
) -> None:
    def resolve(kind: str, name: str) -> str:
        if failure:
            raise failure
        return "\n"

    with pytest.raises(SettingsError) as caught:
        parse_settings(lines("jwtSecretKey=${file:/run/key}"), resolve=resolve)

    problem = next(problem for problem in caught.value.problems if problem.severity == "error")
    assert (problem.line, problem.key) == (1, "jwtSecretKey")
    assert "file /run/key" in problem.message
    assert "S3cret" not in str(caught.value)


def test_expressions_are_never_executed() -> None:
    assert value_of("fileNameFormat", "#{1+1}") == "#{1+1}"
    assert "never executed" in warnings("fileNameFormat=#{1+1}", "fileNameFormat")[0]


def test_the_environment_overrides_nothing_that_the_file_does_not_ask_for() -> None:
    environment = {"jwtControlEnabled": "true", "GOPSIZE": "9", "gopSize": "9"}

    assert parse_settings([], environment=environment).settings == Settings()


# --- unknown keys


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("jwtcontrolenabled", "jwtControlEnabled"),
        ("jwt-control-enabled", "jwtControlEnabled"),
        ("jwtControlEnable", "jwtControlEnabled"),
        ("settings.jwtSecretKeyy", "jwtSecretKey"),
        ("settings.remoteAllowedCidr", "remoteAllowedCIDR"),
        ("settings.webhookRetryCount", "webhookRetryCount"),
        ("Settings.JWKSURL", "jwksURL"),
    ],
)
def test_a_slip_gets_a_suggestion(key: str, meant: str) -> None:
    assert warnings(f"{key}=x", key) == [f"unknown key; did you mean {meant}?"]


@pytest.mark.parametrize("key", ["my.plugin.option", "x", "", "host", "k" * 10_000])
def test_another_unknown_key_is_kept_without_a_word(key: str) -> None:
    found = parsed(f"{key}=value")

    assert found.unknown == {key: "value"}
    assert not [problem for problem in found.problems if problem.line]


@pytest.mark.parametrize(
    "key", ["vodFolder", "settings.vodFolder", "youtube.clientSecret", "toBeDeleted", "encoderRc"]
)
def test_an_old_key_is_said_to_be_no_longer_used(key: str) -> None:
    assert warnings(f"{key}=x", key) == ["no longer used"]


def test_the_values_of_unknown_keys_are_not_in_the_repr() -> None:
    assert "S3cret" not in repr(parsed("youtube.clientSecret=S3cret"))


# --- settings together

NO_KEY = "jwtControlEnabled=true"
WITH_SECRET = f"{NO_KEY}\njwtSecretKey={LONG}"


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (NO_KEY, "jwtControlEnabled", "every request is refused"),
        (f"{NO_KEY}\njwtSecretKey=short", "jwtSecretKey", "32 characters or more"),
        (f"{WITH_SECRET}\njwksURL=a.b", "jwtSecretKey", "ignored while jwksURL is set"),
        (f"{WITH_SECRET} ", "jwtSecretKey", "begins or ends with blanks"),
        ("ipFilterEnabled=false", "ipFilterEnabled", "unguarded"),
        ("remoteAllowedCIDR=", "remoteAllowedCIDR", "nobody passes"),
        ("remoteAllowedCIDR=0.0.0.0/0", "remoteAllowedCIDR", "nothing guards"),
        (f"{WITH_SECRET}\nremoteAllowedCIDR=::/0", "remoteAllowedCIDR", "only the JWT filter"),
        ("db.type=mongodb", "db.type", "cannot serve data"),
        ("webRTCPortRangeMin=60000", "webRTCPortRangeMin", "less than webRTCPortRangeMax"),
        ("hashControlPublishEnabled=true", "hashControlPublishEnabled", "carried, not enforced"),
        ("hashControlPlayEnabled=true", "hashControlPlayEnabled", "nobody can play"),
        ("playJwtControlEnabled=true", "playJwtControlEnabled", "nobody can play"),
        ("", "webapp.contextPath", "is missing"),
        ("", "webapp.virtualHosts", "is missing"),
        ("webapp.contextPath=/Other", "webapp.contextPath", "name of the directory"),
        ("db.app.name=Other", "db.app.name", "name of the directory"),
    ],
)
def test_settings_that_do_not_fit_together_are_told(text: str, key: str, message: str) -> None:
    assert message in " ".join(warnings(text, key, application="LiveApp"))


def test_exclusive_token_switches_are_told() -> None:
    text = "playTokenControlEnabled=true\nplayJwtControlEnabled=true"

    assert "excludes playJwtControlEnabled" in " ".join(warnings(text, "playTokenControlEnabled"))


def test_a_well_formed_application_is_without_a_warning() -> None:
    found = parse_settings(
        lines(
            f"webapp.contextPath=/LiveApp\nwebapp.virtualHosts=*\nappName=LiveApp\n"
            f"db.name=liveapp\ndb.type=mapdb\ndb.host=localhost\n{WITH_SECRET}"
        ),
        application="LiveApp",
    )

    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{WITH_SECRET}\njwtAlgorithms=RS256", "HS256 only"),
        ("jwksURL=a.b\njwtAlgorithms=RS256,HS256", "asymmetric algorithms only"),
    ],
)
def test_algorithms_that_the_mode_does_not_allow_are_errors(text: str, expected: str) -> None:
    (problem,) = errors(text)

    assert problem.key == "jwtAlgorithms"
    assert expected in problem.message


def test_what_follows_from_a_broken_value_is_not_told() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(lines("jwtControlEnabled=true\njwksURL=ftp://a.b"))

    assert not any("refused" in problem.message for problem in caught.value.problems)


# --- the server's file


def test_the_server_settings_are_read() -> None:
    found = parse_server_settings(
        lines(
            "http.host=[::]\nhttp.port=0\nhttps.port=8443\nlogLevel=debug\n"
            "server.allowed_dashboard_CIDR=10.0.0.0/8\nhttp.trusted_proxies=127.0.0.1\n"
            "server.jwksURL=a.b\ndebug.something=1"
        )
    )

    assert found.problems == ()
    assert found.settings.http_host == "::"
    assert (found.settings.http_port, found.settings.https_port) == (0, 8443)
    assert found.settings.log_level == "DEBUG"
    assert found.settings.server_allowed_dashboard_cidr == (ip_network("10.0.0.0/8"),)
    assert found.settings.http_trusted_proxies == (ip_network("127.0.0.1"),)
    assert found.settings.server_jwks_url == ("https://a.b",)
    assert found.unknown == {"debug.something": "1"}


@pytest.mark.parametrize(
    "text",
    [
        "http.host=",
        "http.host=a b",
        "http.host=xn--\\u00e9",
        "http.host=1.2.3",
        "http.host=-a",
        "http.port=65536",
        "https.port=-1",
        "http.port=",
        "logLevel='INFO'",
        "server.allowed_dashboard_CIDR='0.0.0.0/0'",
        "http.trusted_proxies=proxy.example",
    ],
)
def test_a_server_setting_that_cannot_be_used_is_an_error(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_server_settings(lines(text))

    assert "line 1" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server.allowed_dashboard_CIDR=", "nobody reaches the panel"),
        ("http.trusted_proxies=0.0.0.0/0", "trusts every peer"),
        ("http.ssl_certificate_key_file=", "expected a certificate and its key"),
        ("server.jwtServerControlEnabled=true", "no token passes"),
        ("http.port=5443", "another port"),
        ("server.jwtServerControlEnabled=1\nserver.jwtServerSecretKey=short", "32 characters"),
    ],
)
def test_server_settings_that_do_not_fit_together_are_told(text: str, message: str) -> None:
    problems = parse_server_settings(lines(text)).problems

    assert message in " ".join(problem.message for problem in problems)


# --- whatever the text

VALUES = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="${}:#[]/.,0123456789abcdefx-+ \"'%", max_size=60),
)


@given(st.lists(st.tuples(st.sampled_from(sorted(APPLICATION_SPELLINGS)), VALUES), max_size=8))
def test_application_values_are_used_or_refused_and_never_repeated(
    pairs: list[tuple[str, str]],
) -> None:
    entries = [Line(key, f"Zq7J{value}", line) for line, (key, value) in enumerate(pairs, 1)]
    assert "Zq7J" not in told(entries)

    told([Line(key, value, line) for line, (key, value) in enumerate(pairs, 1)])


@given(st.lists(st.tuples(st.sampled_from(sorted(SERVER_SPELLINGS)), VALUES), max_size=8))
def test_server_values_are_used_or_refused_and_never_repeated(
    pairs: list[tuple[str, str]],
) -> None:
    try:
        problems = parse_server_settings(
            [Line(key, f"Zq7J{value}", line) for line, (key, value) in enumerate(pairs, 1)]
        ).problems
    except SettingsError as error:
        problems = error.problems

    assert not any("Zq7J" in str(problem) for problem in problems)


@given(st.text(max_size=40), VALUES)
def test_any_key_is_known_or_kept(key: str, value: str) -> None:
    told([Line(key, value, 1)])


def told(entries: list[Line]) -> str:
    """Return all that is told of some lines; nothing but a SettingsError may be raised."""
    try:
        problems = parse_settings(entries).problems
    except SettingsError as error:
        problems = error.problems
    return " ".join(map(str, problems))
