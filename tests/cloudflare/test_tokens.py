"""Tokens: what is refused as one, how they lie on the disk, and that they never show."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.config import Config, read_settings
from origin_pulls.errors import OriginPullsError, Refused, Unusable
from origin_pulls.model import token_wish, tokens
from origin_pulls.model import wish as wishes
from origin_pulls.model.token_wish import AddToken, CheckTokens, Forgetting, ListTokens, RemoveToken
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from tests.cloudflare.conftest import patient

GOOD = b"cfut_abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (b"", "no token"),
        (b" \n", "no token"),
        (b"Bearer " + GOOD, "begins with Bearer"),
        (b"Authorization: Bearer " + GOOD, "begins with Bearer"),
        (b'"' + GOOD + b'"', "in quotes"),
        (b"'" + GOOD, "in quotes"),
        (GOOD[:20] + b" " + GOOD[20:], "spaces"),
        (GOOD + b"\n" + GOOD, "spaces or lines"),
        (b"cfk_" + GOOD, "Global API Key"),
        (b"0123456789abcdef0123456789abcdef01234", "Global API Key"),
        (b"short", "no API token"),
        (b"a" * 300, "no API token"),
        ("tökentökentökentöken".encode(), "no API token"),
        (GOOD + b"\x00", "no API token"),
    ],
)
def test_what_is_no_token_is_refused_in_words_that_do_not_repeat_it(
    typed: bytes, message: str
) -> None:
    with pytest.raises(Unusable, match=message) as raised:
        tokens.secret_of(typed)
    assert raised.value.hint
    assert typed.decode("utf-8", "replace").strip() not in raised.value.message or not typed.strip()


@pytest.mark.parametrize("typed", [GOOD, GOOD + b"\n", b"  " + GOOD + b"\r\n", b"A1_-" * 10])
def test_a_token_is_taken_as_it_is(typed: bytes) -> None:
    assert tokens.secret_of(typed).reveal() == typed.strip()


@patient
@given(st.binary(max_size=300))
def test_whatever_is_typed_is_a_header_or_is_refused(typed: bytes) -> None:
    try:
        secret = tokens.secret_of(typed).reveal()
    except Unusable:
        return
    assert secret.isascii()
    assert secret.decode().isprintable()
    assert b" " not in secret


@patient
@given(
    st.dictionaries(
        st.sampled_from(["wish", "who", "secret", "account", "label", "token"]),
        st.none() | st.integers() | st.text() | st.sampled_from(token_wish.NAMES),
    )
)
def test_a_wish_about_tokens_is_read_or_refused(record: dict[str, object]) -> None:
    try:
        wishes.read(json.dumps(record).encode())
    except OriginPullsError as error:
        assert error.hint


@pytest.mark.parametrize(
    "wish",
    [
        AddToken(Secret(GOOD), "shop", "my label", "0123abcd", "reseller"),
        RemoveToken("0123abcd", "shop", "shop"),
        RemoveToken("0123abcd"),
        ListTokens(),
        ListTokens("shop", "shop"),
        Forgetting("0123abcd", "shop", "shop"),
        Forgetting("0123abcd"),
        CheckTokens(),
        CheckTokens("shop", "shop"),
    ],
)
def test_a_wish_comes_through_the_wire_as_it_was(wish: token_wish.TokenWish) -> None:
    came = wishes.read(wishes.write(wish))
    if isinstance(wish, AddToken):
        assert isinstance(came, AddToken)
        assert came.secret.reveal() == GOOD
        assert (came.account, came.label, came.replaces, came.who) == (
            wish.account,
            wish.label,
            wish.replaces,
            wish.who,
        )
        assert "cfut" not in repr(came)
    else:
        assert came == wish


def test_tokens_lie_in_root_s_own_files_and_are_masked(tmp_path: Path) -> None:
    kept = Tokens(tmp_path / "tokens")
    kept.keep(Token("0000000a", Secret(GOOD), "shop", "1", "label", "2026-01-01"))
    (place,) = (tmp_path / "tokens").iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    (found,) = kept.all()
    assert found.secret.reveal() == GOOD
    assert found.seen.masked == "…6789"
    assert "cfut" not in repr(found) + repr(found.seen)


def test_a_token_is_replaced_and_removed(tmp_path: Path) -> None:
    kept = Tokens(tmp_path)
    kept.keep(Token("0000000a", Secret(GOOD)))
    kept.keep(Token("0000000a", Secret(GOOD[::-1])))
    assert [one.secret.reveal() for one in kept.all()] == [GOOD[::-1]]
    kept.remove("0000000a")
    kept.remove("0000000a")
    assert kept.all() == []
    with pytest.raises(Refused, match="no token 0000000a"):
        kept.get("0000000a")


def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    for wrong in ("../secret", "", "0000000A", "a" * 9):
        with pytest.raises(Unusable):
            Tokens(tmp_path).get(wrong)


def test_a_damaged_token_hides_no_other_and_tells_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Tokens(tmp_path)
    kept.keep(Token("0000000a", Secret(GOOD)))
    (tmp_path / "0000000b.json").write_bytes(b'{"secret": "' + GOOD)
    (tmp_path / "notes.json").write_text("{}")
    with caplog.at_level(logging.WARNING):
        assert [one.id for one in kept.all()] == ["0000000a"]
    assert "0000000b.json cannot be read" in caplog.text
    assert "cfut_" not in caplog.text
    with pytest.raises(OriginPullsError) as raised:
        kept.get("0000000b")
    assert raised.value.__suppress_context__


def test_the_addresses_of_cloudflare_are_settings() -> None:
    text = b"cloudflare_api: http://127.0.0.1:81/client/v4/\ndns_over_https: https://a.example/q\n"
    found = read_settings(text + b"edge_port: 8443\n", "config.yaml")
    assert found == {
        "cloudflare_api": "http://127.0.0.1:81/client/v4",
        "dns_over_https": "https://a.example/q",
        "edge_port": 8443,
    }


@pytest.mark.parametrize(
    "value",
    [
        "http://api.example",
        "http://localhost",
        "http://127.0.0.1.example",
        "ftp://a",
        "a",
        "7",
        "https://",
        "https://u:p@a.example",
        "https://a.example/?x=1",
        "'https://a b'",
        "[]",
    ],
)
def test_an_address_that_would_leak_tokens_is_no_setting(value: str) -> None:
    with pytest.raises(Unusable, match="cloudflare_api"):
        read_settings(f"cloudflare_api: {value}\n".encode(), "config.yaml")


def test_an_address_is_kept_where_nothing_is_set() -> None:
    assert Config().cloudflare_api == "https://api.cloudflare.com/client/v4"
