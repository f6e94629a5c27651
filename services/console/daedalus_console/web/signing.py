"""Signing in with a browser: the token becomes a cookie that scripts and other sites cannot use."""

from http import HTTPStatus
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import ClientDisconnect

from daedalus_console.web.access import COOKIE, Access
from daedalus_console.web.guard import too_large
from daedalus_console.web.people import SignInError

_FORM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · Daedalus</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
main {{ max-width: 24rem; margin: 15vh auto; padding: 0 1rem }}
input, button {{ font: inherit; width: 100%; box-sizing: border-box }}
input, button {{ padding: .6rem; margin: .4rem 0 }}
</style>
<main><h1>Daedalus</h1><p role="alert">{said}</p>
<form method="post" action="/login"><label>Token
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Sign in</button></form></main></html>
"""


def add(app: FastAPI, access: Access) -> None:
    """Add `/login` and `/logout`."""

    @app.get("/login", include_in_schema=False)
    def form() -> Response:
        if not access.has_tokens:
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        return HTMLResponse(_FORM.format(said=""))

    @app.post("/login", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:  # or it goes on beyond its bound, which ends it
            return too_large()
        typed = parse_qs(body.decode(errors="replace")).get("token", [""])[0]
        try:
            access.of_token(typed.strip())
        except SignInError:
            # Not which of the two it is: the sentence would tell a stranger whose token it was.
            said = "This token is not known, or has expired."
            return HTMLResponse(_FORM.format(said=said), HTTPStatus.UNAUTHORIZED)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            COOKIE,
            typed.strip(),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @app.post("/logout", include_in_schema=False)
    def sign_out() -> Response:
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer
