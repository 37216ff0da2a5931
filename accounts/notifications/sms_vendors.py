"""Text messages by Aliyun (Dysms) and Tencent Cloud (SMS): requests signed by the standard library, no vendor's package.

Mainland carriers deliver approved templates only. Register one template with a single variable (`text` at Aliyun, `{1}` at
Tencent) under your signature, and name both in the settings. The reference of a notice travels with the message, so that
the vendor's records can be matched.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib import request as http
from urllib.error import HTTPError
from urllib.parse import quote

from django.conf import settings
from django.utils import timezone

from accounts.notifications.sms import SmsBackend, SmsRefused

TIMEOUT = 10
MOST_ANSWER = 64 * 1024


class SmsFailed(Exception):
    """Say that a vendor did not take a message; another try may help. Its text is a code, never a number."""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def acs3_authorization(
    *,
    method: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    key_id: str,
    secret: str,
) -> str:
    """Sign a request as Aliyun's OpenAPI V3 wants it (ACS3-HMAC-SHA256); give the Authorization header.

    `headers` are those to be signed, by lower-case names: host and every x-acs- header, the body's hash included.
    """
    asked = "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    signed = ";".join(names)
    canonical = f"{method}\n/\n{asked}\n{lines}\n{signed}\n{_sha256(body)}"
    text = f"ACS3-HMAC-SHA256\n{_sha256(canonical.encode())}"
    signature = _hmac(secret.encode(), text).hex()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={signed},Signature={signature}"


def tc3_authorization(
    *, service: str, headers: Mapping[str, str], body: bytes, at: int, key_id: str, secret: str
) -> str:
    """Sign a POST as Tencent Cloud's API 3.0 wants it (TC3-HMAC-SHA256); give the Authorization header."""
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names)
    signed = ";".join(names)
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{_sha256(body)}"
    day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{at}\n{scope}\n{_sha256(canonical.encode())}"
    key = _hmac(_hmac(_hmac(f"TC3{secret}".encode(), day), service), "tc3_request")
    signature = _hmac(key, text).hex()
    return f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"


def _post(url: str, *, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Send a request and read its JSON, an error's JSON too."""
    asked = http.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310  scheme checked by settings
    try:
        with http.urlopen(asked, timeout=TIMEOUT) as answer:  # noqa: S310
            content = answer.read(MOST_ANSWER)
    except HTTPError as error:
        content = error.read(MOST_ANSWER)
    try:
        found = json.loads(content)
    except ValueError:
        raise SmsFailed("answer is no JSON") from None
    if not isinstance(found, dict):
        raise SmsFailed("answer is no object")
    return found


def _host(url: str) -> str:
    return url.split("://", 1)[1].rstrip("/")


class AliyunBackend(SmsBackend):
    """Send by Aliyun's SendSms of 2017-05-25."""

    NEVER = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.BLACKLIST"})

    def send(self, *, phone: str, text: str, reference: str) -> None:
        endpoint = settings.SMS_ENDPOINT or "https://dysmsapi.aliyuncs.com"
        query = {
            "PhoneNumbers": phone.removeprefix("+86") if phone.startswith("+86") else phone.removeprefix("+"),
            "SignName": settings.SMS_SIGN_NAME,
            "TemplateCode": settings.SMS_TEMPLATE,
            "TemplateParam": json.dumps({"text": text}, ensure_ascii=False),
            "OutId": reference,
        }
        headers = {
            "host": _host(endpoint),
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": _sha256(b""),
            "x-acs-date": timezone.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-version": "2017-05-25",
        }
        authorization = acs3_authorization(
            method="POST", query=query, headers=headers, body=b"", key_id=settings.SMS_KEY_ID,
            secret=settings.SMS_KEY_SECRET,
        )  # fmt: skip
        asked = "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))
        answer = _post(f"{endpoint}/?{asked}", headers={**headers, "Authorization": authorization}, body=b"")
        code = str(answer.get("Code", ""))
        if code in self.NEVER:
            raise SmsRefused(code)
        if code != "OK":
            raise SmsFailed(code)


class TencentBackend(SmsBackend):
    """Send by Tencent Cloud's SendSms of 2021-01-11."""

    NEVER = frozenset(
        {
            "FailedOperation.PhoneNumberInBlacklist",
            "InvalidParameterValue.IncorrectPhoneNumber",
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        }
    )

    def send(self, *, phone: str, text: str, reference: str) -> None:
        endpoint = settings.SMS_ENDPOINT or "https://sms.tencentcloudapi.com"
        body = json.dumps(
            {
                "PhoneNumberSet": [phone],
                "SmsSdkAppId": settings.SMS_APP_ID,
                "SignName": settings.SMS_SIGN_NAME,
                "TemplateId": settings.SMS_TEMPLATE,
                "TemplateParamSet": [text],
                "SessionContext": reference,
            }
        ).encode()
        at = int(timezone.now().timestamp())
        signed = {
            "content-type": "application/json; charset=utf-8",
            "host": _host(endpoint),
            "x-tc-action": "SendSms",
        }
        authorization = tc3_authorization(
            service="sms", headers=signed, body=body, at=at, key_id=settings.SMS_KEY_ID,
            secret=settings.SMS_KEY_SECRET,
        )  # fmt: skip
        headers = {
            **signed,
            "X-TC-Action": "SendSms",
            "X-TC-Version": "2021-01-11",
            "X-TC-Region": "ap-guangzhou",
            "X-TC-Timestamp": str(at),
            "Authorization": authorization,
        }
        del headers["x-tc-action"]  # sent once, by its usual name
        answer = _post(endpoint + "/", headers=headers, body=body).get("Response")
        response = answer if isinstance(answer, dict) else {}
        error = response.get("Error")
        statuses = response.get("SendStatusSet") or [{}]
        code = str(error.get("Code", "") if isinstance(error, dict) else statuses[0].get("Code", ""))
        if code in self.NEVER:
            raise SmsRefused(code)
        if code != "Ok":
            raise SmsFailed(code)
