"""What happens by itself is told once: in the log, in the activity, and in one letter."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.agent.chores import chores
from origin_pulls.config import Config, read_settings
from origin_pulls.engine import notifying
from origin_pulls.engine.edge import telling
from origin_pulls.engine.server import Server, utc_now
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Item, Job, State
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.server import mailing
from origin_pulls.store import letters
from origin_pulls.store.rollouts import Drift, EdgeStore
from tests.cloudflare.conftest import patient

NAMES = ("dir_base", "bin_httpd", "file_conf", "dir_conf", "dir_conf_userdata", "dir_run")
VHOST = Vhost(user="blog", server_name="blog.example", owner="root", incarnation="1")
HEADERS = {
    *("to", "subject", "auto-submitted", "mime-version"),
    *("content-type", "content-transfer-encoding"),
}
SENDMAIL = """#!/bin/sh
echo "$*" >> {0}/arguments
number=$(ls {0} | wc -l)
cat > {0}/letter-$number
exit $(cat {0}.code)
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A server of which only the mail program does anything; what it got lies in ``mails``."""
    made = Config.at(tmp_path)
    made.paths_conf.parent.mkdir(parents=True)
    made.paths_conf.write_text("".join(f"{name}=/\n" for name in (*NAMES, "dir_logs")))
    made.sendmail_program.parent.mkdir(parents=True)
    made.sendmail_program.write_text(SENDMAIL.format(tmp_path / "mails"))
    made.sendmail_program.chmod(0o755)
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails.code").write_text("0")
    return made


@pytest.fixture
def server(config: Config) -> Iterator[Server]:
    one = Server.of(config)
    yield one
    one.store.close()


def mails(config: Config) -> list[EmailMessage]:
    """The letters that the mail program was given."""
    found = sorted((config.root / "mails").glob("letter-*"))
    return [read(place.read_text()) for place in found]


def read(text: str) -> EmailMessage:
    """A letter as who receives it reads it."""
    found = email.message_from_string(text, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def activity(server: Server) -> list[str]:
    return [row["action"] for row in server.store.rows("SELECT action FROM audit")]


def look(server: Server, *amiss: str) -> None:
    """A look of the watch that finds this."""
    store = EdgeStore(server.store)
    found = [Drift(VHOST.key, "zone", what, "2026-01-01") for what in amiss]
    fresh = store.keep_drifts("zone", found)
    telling.tell_drift(server, {VHOST.key: VHOST}, store.drifts(), fresh)


def expires(server: Server, said: str) -> None:
    """A look that finds that the certificate ends."""
    telling.tell_expiry(server, {VHOST.key: VHOST}, {VHOST.key: said})


def test_a_drift_is_told_once_however_often_it_is_looked_at(
    server: Server, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        look(server, "the zone is paused")
        notifying.send(server)
    (letter,) = mails(config)
    assert letter["To"] == "root"
    assert str(letter["Subject"]).endswith(": blog/blog.example")
    assert "The zone is paused." in letter.get_content()
    assert (config.root / "mails/arguments").read_text() == "-i -- root\n"
    assert activity(server) == ["noticed: The zone is paused."]
    assert caplog.text.count("The zone is paused") == 1


def test_only_what_is_new_of_a_drift_is_told_again(server: Server) -> None:
    paused, grey = "the zone is paused", "www.blog.example is DNS-only"
    told = []
    for now in ([paused], [paused, grey], [grey], [], [paused]):
        look(server, *now)
        waiting = letters.waiting(server.store)
        told.append([one.said for one in waiting])
        letters.forget(server.store, waiting)
    paused_said, grey_said = "The zone is paused.", "www.blog.example is DNS-only."
    assert told == [[paused_said], [grey_said], [], [], [paused_said]]


def test_a_long_list_of_what_is_amiss_is_told_once(server: Server) -> None:
    names = [f"name{number}.blog.example is DNS-only" for number in range(60)]
    for _ in range(3):
        look(server, *names)
    assert len(letters.waiting(server.store)) == len(activity(server)) == len(names)
    for _ in range(3):
        expires(server, "It ends. " * 100)
    assert len(activity(server)) == len(names) + 1


def test_what_comes_together_is_one_letter(server: Server, config: Config) -> None:
    letters_of_the_agent = next(
        one for one in chores(config, lambda: None) if one.name == "letters"
    )
    for number in (*range(300), 0, 1):
        notifying.tell(server, f"shop/site{number}.example", "It stepped back to observe.")
    for _ in range(2):
        letters_of_the_agent.do(server)
    (letter,) = mails(config)
    assert "300 notices" in str(letter["Subject"])
    said = letter.get_content()
    assert "site0.example" in said
    assert "and 100 more" in said


def test_an_end_of_a_certificate_is_told_once(server: Server) -> None:
    for _ in range(3):
        expires(server, "The certificate expires on 2026-02-01.")
    assert activity(server) == ["noticed: The certificate expires on 2026-02-01."]
    telling.tell_expiry(server, {VHOST.key: VHOST}, {})
    assert server.store.rows("SELECT * FROM attention") == []


@pytest.mark.parametrize(
    ("state", "who", "is_told"),
    [
        (State.RESTORED, "root", True),
        (State.NOT_RESTORED, "root", True),
        (State.REFUSED, "root", False),
        (State.REFUSED, "agent", True),
        (State.DONE, "agent", False),
    ],
)
def test_a_rollout_that_failed_by_itself_is_told(
    server: Server, state: State, who: str, is_told: bool
) -> None:
    item = Item(
        user="blog",
        server_name="blog.example",
        incarnation="1",
        wanted=Policy(mode=Mode.ENFORCE),
        state=state,
        message="Cloudflare did not become active in time.",
    )
    job = Job(number=7, kind="change", who=who, asked="", items=(item,), state=state)
    telling.tell_outcome(server, job)
    said = [one.said for one in letters.waiting(server.store)]
    assert bool(said) is is_told
    assert all("job 7" in text and "did not become active" in text for text in said)


def test_without_a_mail_program_or_an_address_it_is_only_logged(
    server: Server, config: Config
) -> None:
    nobody = replace(server, config=replace(config, notify=""))
    notifying.tell(server, "blog/blog.example", "It drifted.")
    notifying.send(nobody)
    assert letters.waiting(server.store) == []
    config.sendmail_program.unlink()
    notifying.tell(server, "blog/blog.example", "It drifted again.")
    notifying.send(server)
    assert letters.waiting(server.store) == []
    assert mails(config) == []
    assert len(activity(server)) == 2


def test_a_letter_that_cannot_be_sent_waits_but_not_for_ever(
    server: Server, config: Config
) -> None:
    notifying.tell(server, "blog/blog.example", "It drifted.")
    (config.root / "mails.code").write_text("75")
    with pytest.raises(Refused, match="cannot be mailed"):
        notifying.send(server)
    assert len(letters.waiting(server.store)) == 1
    (config.root / "mails.code").write_text("0")
    notifying.send(server)
    assert letters.waiting(server.store) == []
    notifying.tell(server, "blog/blog.example", "It drifted again.")
    (config.root / "mails.code").write_text("75")
    object.__setattr__(server, "clock", lambda: utc_now() + timedelta(days=2))
    with pytest.raises(Refused):
        notifying.send(server)
    assert letters.waiting(server.store) == []


def test_no_text_becomes_a_header_or_an_end(server: Server, config: Config) -> None:
    evil = "x.example\nBcc: thief@example.com\r\n\r\n.\nIt\x1b[2J"
    notifying.tell(server, evil, evil)
    notifying.send(server)
    (letter,) = mails(config)
    assert {name.lower() for name in letter} == HEADERS
    content = letter.get_content()
    assert "\x1b" not in content
    assert "thief" in content
    assert "." not in content.splitlines()


@patient
@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_said_arrives_as_one_subject_and_one_line(about: str, said: str) -> None:
    letter = read(mailing.letter("root", about, [said]).as_string())
    assert {name.lower() for name in letter} <= HEADERS
    assert letter["To"] == "root"
    assert len(letter.get_content().split("\n")) == 2


@pytest.mark.parametrize("value", ["root", "you@example.com", "a.b+c@mail.example.com"])
def test_who_is_written_to_is_a_setting(value: str) -> None:
    assert read_settings(f"notify: {value}\n".encode(), "config.yaml") == {"notify": value}


def test_none_is_nobody() -> None:
    assert read_settings(b"notify: none\n", "config.yaml") == {"notify": ""}


@pytest.mark.parametrize(
    "value",
    ["-f root", "'-oQ/tmp'", "a b", "'a@b, c@d'", "'|/bin/sh'", "7", "[root]", "'a@'", '"a\\nb"'],
)
def test_what_a_mail_program_could_misread_is_no_address(value: str) -> None:
    with pytest.raises(Unusable, match="notify must be one address") as raised:
        read_settings(f"notify: {value}\n".encode(), "config.yaml")
    assert "none" in raised.value.hint
