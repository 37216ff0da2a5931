"""Read a request for a quote written as JSON, and write the answer: one line, one loan.

The same reading serves `manage.py quote` and the API, so that a request means the same at every door.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from loans.domain.engine import check_history
from loans.domain.events import LoanEvent
from loans.domain.quotes import quote
from loans.domain.terms import LoanTerms
from loans.domain.validation import validate_terms
from regimes.errors import N_, InvalidInput, Refusal

FIELDS: Final = frozenset({"id", "terms", "events", "as_of"})
MAX_EVENTS: Final = 10_000


class UnableToQuote(InvalidInput):
    """Refuse a request that is not a quote's."""


def _refusal(code: str, message: str, field: str, **params: Any) -> UnableToQuote:
    return UnableToQuote(code, message, field=field, params=params)


def read_request(request: Any) -> tuple[LoanTerms, tuple[LoanEvent, ...], date]:
    """Turn a request into terms, events and a date, or refuse it."""
    if not isinstance(request, Mapping):
        raise _refusal("not_an_object", N_("Each line is one JSON object."), "line")
    unknown = sorted(set(map(str, request)) - FIELDS)
    if unknown:
        raise _refusal(
            "unknown_field",
            N_("The request has a field that is not known: %(name)s."),
            unknown[0],
            name=", ".join(unknown)[:80],
        )
    if not isinstance(request.get("terms"), Mapping):
        raise _refusal("terms_missing", N_("The request lacks the terms of the loan."), "terms")
    terms = validate_terms(LoanTerms.from_dict(request["terms"]))
    events = tuple(_read_events(request.get("events", [])))
    check_history(terms, events)
    text = request.get("as_of", terms.start_date.isoformat())
    try:
        as_of = date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise _refusal("date_invalid", N_("Enter a date such as 2026-01-31."), "as_of") from error
    return terms, events, as_of


def _read_events(written: Any) -> Iterator[LoanEvent]:
    if not isinstance(written, list) or len(written) > MAX_EVENTS:
        raise _refusal("events_invalid", N_("The events are a list."), "events")
    for number, item in enumerate(written, start=1):
        if not isinstance(item, Mapping):
            raise _refusal("events_invalid", N_("The events are a list."), "events")
        yield LoanEvent.from_dict({"ref": f"event-{number}", "sequence": number, **item})


def answer_request(request: Any) -> dict[str, Any]:
    """Answer one request with a quote, or with one error object."""
    try:
        terms, events, as_of = read_request(request)
        answer = quote(terms, events, as_of=as_of).to_dict()
    except Refusal as refusal:
        return {"error": error_object(refusal)}
    except (KeyError, TypeError, ValueError, ArithmeticError, OverflowError):
        # an event whose data lacks what its kind needs, or a date beyond the calendar
        return {"error": error_object(_refusal("event_data_invalid", N_("An event lacks data."), "events"))}
    if "id" in request:
        answer = {"id": request["id"], **answer}
    return answer


def error_object(refusal: Refusal) -> dict[str, Any]:
    """Write a refusal as one JSON-safe object."""
    return {"code": refusal.code, "message": str(refusal), "field": refusal.field}


def answer_lines(lines: Iterable[str]) -> Iterator[str]:
    """Answer line by line; a bad line gets one error object with its number and the rest go on."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            bad = _refusal("json_invalid", N_("The line is not JSON."), "line")
            answer: dict[str, Any] = {"error": error_object(bad)}
        else:
            answer = answer_request(request)
        if "error" in answer:
            answer = {"line": number, **answer}
        yield json.dumps(answer, ensure_ascii=False)


def _no_constant(name: str) -> Any:
    raise ValueError(name)
