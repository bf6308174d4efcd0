"""The application of one side: who asks, what protects, how answers leave."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial

from flask import Flask, abort, g, request
from jinja2 import DictLoader
from werkzeug.wrappers import Response

from origin_pulls.actions import drafting
from origin_pulls.config import Config
from origin_pulls.model.names import domain
from origin_pulls.web import answers, caller, errors, protection, routing
from origin_pulls.web.assets import Assets
from origin_pulls.web.caller import Side
from origin_pulls.web.drafts import Drafts
from origin_pulls.web.entrance import Entrance
from origin_pulls.web.limits import Limits
from origin_pulls.web.pages import register
from origin_pulls.web.settled import Settled

ENTRIES = {Side.ADMIN: "", Side.ACCOUNT: "index.live.php"}
READING = ("GET", "HEAD")
OPEN = ("help.help_page",)  # it explains; nothing of the server or of an account stands there


def create_app(config: Config, side: Side, loaded: Assets) -> Flask:
    """The pages of one side for one server."""
    app = Flask("origin_pulls.web", static_folder=None, template_folder=None)
    app.jinja_loader = DictLoader(loaded.templates)
    app.config["MAX_CONTENT_LENGTH"] = config.page_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = config.page_body_bytes
    app.config["ENTRY"] = ENTRIES[side]
    app.extensions["origin-pulls"] = Settled(
        config=config,
        side=side,
        key=protection.form_key(config.pages_directory, str(side)),
        drafts=_drafts(config, side),
        assets=loaded,
        limits=Limits(
            burst=config.page_burst,
            rate=config.page_rate,
            wait=config.page_wait,
            is_single=side is Side.ACCOUNT,
        ),
        entrance=Entrance(config) if side is Side.ACCOUNT else None,
    )
    app.before_request(_admit)
    app.after_request(answers.finish)
    app.teardown_request(_let_go)
    errors.register(app)
    register(app, side)
    app.jinja_env.globals |= {"link": routing.link, "fields": routing.fields}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {
        "sentence": answers.sentence,
        "words": answers.words,
        "domain": domain,
        "runs": answers.runs,
    }
    app.context_processor(answers.common)
    app.wsgi_app = routing.PageInQuery(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _drafts(config: Config, side: Side) -> Drafts:
    path = config.pages_directory / f"{side}.sqlite"
    if side is Side.ADMIN:
        return Drafts(path, most=config.staged_most)
    return Drafts(path, most=config.staged_most, life=partial(drafting.life, config))


def _admit() -> Response | None:
    """Let a request in: a known person, not too often, and no form that is not ours."""
    g.held = ExitStack()
    settled = Settled.here()
    g.caller = caller.identify(request.environ, settled.side, settled.config.passwd)
    g.held.enter_context(settled.limits.one_request(g.caller.user, time.monotonic()))
    if request.method == "POST":
        protection.check_origin(dict(request.headers))
        token = request.form.get("token", "")
        now, hours = time.time(), settled.config.form_hours
        protection.check_token(settled.key, g.caller.user, token, now, hours)
    elif request.method not in READING:
        abort(405)
    if settled.entrance:
        g.is_closed = settled.entrance.is_closed()
        if request.endpoint not in OPEN:
            settled.entrance.let_in(g.caller, time.monotonic())
    return None


def _let_go(error: BaseException | None) -> None:
    del error
    held: ExitStack | None = g.pop("held", None)
    if held is not None:
        held.close()
