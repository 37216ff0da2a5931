"""Whatever goes wrong, the API answers in one form."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import translation
from rest_framework import exceptions, serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.response import Response

from lendportal.errors import RefusalMiddleware, handle
from lendportal.parsers import parse_json
from regimes.errors import InvalidInput, Refusal


class UnableToTest(Refusal):
    http_status = 422


class Form(serializers.Serializer):
    amount = serializers.DecimalField(max_digits=5, decimal_places=2)


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def door(request):
    if request.data.get("refuse"):
        raise UnableToTest("over_limit", "Too much by %(amount)s.", field="amount", params={"amount": "5.00"})
    Form(data=request.data).is_valid(raise_exception=True)
    return Response(request.data)


def send(body, content_type="application/json"):
    request = RequestFactory().post("/api/v1/door", data=body, content_type=content_type)
    request.request_id = "abcdefgh"
    response = door(request)
    response.render()
    return response.status_code, json.loads(response.content), response["Content-Type"]


def test_a_refusal_becomes_a_problem_document():
    status, body, kind = send(b'{"refuse": true}')
    assert (status, kind) == (422, "application/problem+json")
    assert body["code"] == "over_limit"
    assert body["field"] == "amount"
    assert body["detail"] == "Too much by 5.00."
    assert body["request_id"] == "abcdefgh"


def test_a_wrong_field_is_named():
    status, body, _ = send(b'{"amount": "abc"}')
    assert (status, body["field"], body["code"]) == (400, "amount", "invalid")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b"\xff\xfe{}",
        b"[" * 100 + b"]" * 100,
        b"[" * 100_000,
        b'{"a": 1.' + b"1" * 100 + b"}",
        b'{"a": 1} x',
        b'{"a": 1e400}',
        b'{"a": "\\ud800"}',
        b'{"a": ["\\u0000"]}',
        b'{"\\u0000": 1}',
        b'{"a": "' + b"a" * 1_000_000 + b'"}',
        b'\xef\xbb\xbf{"a": 1}',
    ],
)
def test_it_refuses_what_is_not_plain_json(body):
    status, problem, _ = send(body)
    assert (status, problem["code"]) == (400, "json_invalid")


def test_it_refuses_a_body_that_is_too_large():
    status, problem, _ = send(b'"' + b"a" * 3_000_000 + b'"')
    assert (status, problem["code"]) == (413, "too_large")


def test_it_refuses_another_content_type():
    status, problem, _ = send(b"a=1", "application/x-www-form-urlencoded")
    assert (status, problem["code"]) == (415, "unsupported_media_type")


def test_it_keeps_every_digit_of_a_number():
    assert str(parse_json(b'{"a": 12345678901234.10}')["a"]) == "12345678901234.10"


def test_throttling_says_how_long():
    response = handle(exceptions.Throttled(wait=4.2), {"request": None})
    assert response.status_code == 429
    assert response["Retry-After"] == "5"


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_of_the_api_answers_in_the_same_form(client, method):
    answer = getattr(client, method)("/api/v1/no-such-thing")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_a_caller_cannot_write_into_the_logs_by_its_request_id(client):
    assert client.get("/livez2", headers={"X-Request-ID": "a b\n{}"})["X-Request-ID"] != "a b\n{}"
    assert client.get("/livez2", headers={"X-Request-ID": "my-trace-0001"})["X-Request-ID"] == "my-trace-0001"


def test_a_page_s_refusal_becomes_an_answer():
    middleware = RefusalMiddleware(lambda request: HttpResponse())
    request = RequestFactory().get("/api/v1/x")
    answer = middleware.process_exception(request, InvalidInput("amount_invalid", "Not an amount."))
    assert answer.status_code == 400
    assert json.loads(answer.content)["code"] == "amount_invalid"


def test_general_sentences_are_translated():
    with translation.override("zh-hans"):
        response = handle(exceptions.NotFound(), {"request": None})
    assert response.data["detail"] != "There is nothing here, or it is not yours."


def test_a_page_that_broke_says_so_in_both_languages_and_needs_no_template(client, settings, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("credit.views.home.page", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("django.template.loader.get_template", lambda *_, **__: 1 / 0)
    response = client.get("/", headers={"x-request-id": "abcd1234"})
    text = response.content.decode()
    assert (response.status_code, response["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "出错了" in text
    assert "Something went wrong on our side" in text
    assert "abcd1234" in text
    assert "{" not in text


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/me", "/"])
def test_a_server_that_is_away_is_a_503_wherever_it_is_missed(
    client: Any, monkeypatch: pytest.MonkeyPatch, world: Any, path: str
) -> None:
    """The session is read in a middleware, before any handler of ours: that too is no fault of the request."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import InterfaceError, OperationalError
    from redis.exceptions import OutOfMemoryError

    client.force_login(world.alice)
    client.raise_request_exception = False
    for error in (OperationalError("no connection"), InterfaceError("closed"), OutOfMemoryError("full")):

        def away(*args: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(SessionStore, "load", away)
        answer = client.get(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_without_the_cache_money_goes_on_and_doors_to_accounts_stay_shut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from types import SimpleNamespace

    from redis.exceptions import ConnectionError as CacheAway

    from lendportal import throttling

    class Away:
        def evalsha(self, *args: Any) -> None:
            raise CacheAway

    monkeypatch.setattr(throttling, "_client", Away)
    request = SimpleNamespace(user=SimpleNamespace(is_authenticated=True, pk=1))
    throttle = throttling.CountedWhereCacheIs
    assert throttle().allow_request(request, SimpleNamespace(throttle_scope="money")) is True
    with pytest.raises(CacheAway):
        throttle().allow_request(request, SimpleNamespace(throttle_scope="login"))
