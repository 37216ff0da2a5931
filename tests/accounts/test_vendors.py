"""Messages really leave: mail over SMTP to a server that listens, texts to a vendor's API that checks the signature."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler

from accounts.models import Notice
from accounts.notifications.sms import SmsRefused
from accounts.notifications.sms_vendors import (
    AliyunBackend,
    SmsFailed,
    TencentBackend,
    acs3_authorization,
    tc3_authorization,
)
from accounts.operations import send_due_notices
from tests.accounts.test_notices import MORNING, kinds, person, queue
from tests.roof.processes import free_port

__all__ = ["kinds"]
EMPTY = hashlib.sha256(b"").hexdigest()


class TestPublishedExamples:
    def test_aliyuns(self) -> None:
        """The worked example of "Request structure and signature V3" in Aliyun's documentation."""
        found = acs3_authorization(
            method="POST",
            query={
                "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
                "RegionId": "cn-shanghai",
            },
            headers={
                "host": "ecs.cn-shanghai.aliyuncs.com",
                "x-acs-action": "RunInstances",
                "x-acs-content-sha256": EMPTY,
                "x-acs-date": "2023-10-26T10:22:32Z",
                "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
                "x-acs-version": "2014-05-26",
            },
            body=b"",
            key_id="YourAccessKeyId",
            secret="YourAccessKeySecret",
        )
        assert found.endswith("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")

    def test_tencents(self) -> None:
        """The worked example of "Signature v3" in Tencent Cloud's documentation."""
        found = tc3_authorization(
            service="cvm",
            headers={"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
            body=b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
            at=1551113065,
            key_id="AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
            secret="Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        )
        assert found.endswith("Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168")


class Vendor(HTTPServer):
    """Both vendors in one: checks each signature anew from the bytes that came, and answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: tuple[int, Any] = (200, {})
        self.seen: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Vendor

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers["Authorization"]
        names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
        query = dict(parse_qsl(urlsplit(self.path).query))
        signed = {name: self.headers[name] for name in names}
        if given.startswith("ACS3"):
            right = acs3_authorization(
                method="POST", query=query, headers=signed, body=body, key_id="id", secret="secret"
            )
        else:
            at = int(self.headers["X-TC-Timestamp"])
            right = tc3_authorization(
                service="sms", headers=signed, body=body, at=at, key_id="id", secret="secret"
            )
        self.server.seen.append({"query": query, "body": body, "right": given == right})
        status, answer = self.server.answer
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def vendor(settings: Any) -> Iterator[Vendor]:
    server = Vendor()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SMS_ENDPOINT, settings.SMS_KEY_ID, settings.SMS_KEY_SECRET = server.url, "id", "secret"
    settings.SMS_SIGN_NAME, settings.SMS_TEMPLATE, settings.SMS_APP_ID = "借款平台", "SMS_1", "1400000000"
    yield server
    server.shutdown()
    server.server_close()


def say(backend: Any, text: str = "应还 10.00 & 明天") -> None:
    backend.send(phone="+8613800138000", text=text, reference="ref-1")


class TestAliyun:
    def test_it_sends_a_signed_request(self, vendor: Vendor) -> None:
        vendor.answer = (200, {"Code": "OK", "Message": "OK", "BizId": "9006^0", "RequestId": "A"})
        say(AliyunBackend())
        (seen,) = vendor.seen
        assert seen["right"]
        assert seen["query"]["PhoneNumbers"] == "13800138000"
        assert json.loads(seen["query"]["TemplateParam"]) == {"text": "应还 10.00 & 明天"}
        assert seen["query"]["OutId"] == "ref-1"

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            ((200, {"Code": "isv.BUSINESS_LIMIT_CONTROL"}), SmsFailed),
            ((200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL"}), SmsRefused),
            ((403, {"Code": "SignatureDoesNotMatch"}), SmsFailed),
            ((502, b"<html>bad gateway</html>"), SmsFailed),
            ((200, b"[]"), SmsFailed),
        ],
    )
    def test_it_tells_never_from_not_now(self, vendor: Vendor, answer: Any, error: type[Exception]) -> None:
        vendor.answer = answer
        with pytest.raises(error) as raised:
            say(AliyunBackend())
        assert "138" not in str(raised.value)


class TestTencent:
    def test_it_sends_a_signed_request(self, vendor: Vendor) -> None:
        vendor.answer = (
            200,
            {"Response": {"SendStatusSet": [{"Code": "Ok", "SerialNo": "1"}], "RequestId": "B"}},
        )
        say(TencentBackend())
        (seen,) = vendor.seen
        assert seen["right"]
        sent = json.loads(seen["body"])
        assert (sent["PhoneNumberSet"], sent["TemplateParamSet"]) == (
            ["+8613800138000"],
            ["应还 10.00 & 明天"],
        )

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            ({"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "m"}}}, SmsFailed),
            ({"Response": {"SendStatusSet": [{"Code": "LimitExceeded.PhoneNumberDailyLimit"}]}}, SmsFailed),
            (
                {"Response": {"SendStatusSet": [{"Code": "FailedOperation.PhoneNumberInBlacklist"}]}},
                SmsRefused,
            ),
            ({}, SmsFailed),
        ],
    )
    def test_it_tells_never_from_not_now(self, vendor: Vendor, answer: Any, error: type[Exception]) -> None:
        vendor.answer = (200, answer)
        with pytest.raises(error):
            say(TencentBackend())


@pytest.mark.django_db
def test_a_notice_goes_out_by_the_vendor_and_waits_when_it_is_away(vendor: Vendor, settings: Any) -> None:
    settings.SMS_BACKEND = "accounts.notifications.sms_vendors.AliyunBackend"
    queue(person(), channels=("SMS",))
    vendor.answer = (503, b"busy")
    assert send_due_notices(now=MORNING).retried == 1
    assert Notice.objects.get().last_error == "SmsFailed"
    vendor.answer = (200, {"Code": "OK"})
    Notice.objects.update(send_after=None)
    assert send_due_notices(now=MORNING).sent == 1
    assert [seen["right"] for seen in vendor.seen] == [True, True]


class Letters(MessageHandler):
    """Keep what a mail server got."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.got.append(message)


@pytest.mark.django_db
def test_mail_is_really_sent_over_smtp(settings: Any) -> None:
    letters = Letters()
    server = Controller(letters, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        borrower = person()
        borrower.language = "zh-hans"
        borrower.save()
        queue(borrower)
        assert send_due_notices(now=MORNING).sent == 1
        (letter,) = letters.got
        assert letter["X-RcptTo"] == borrower.user.email
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["Message-ID"].startswith(f"<{Notice.objects.get().ref}@")
        assert "还款 10.00" in letter.get_payload(decode=True).decode()
    finally:
        server.stop()
    # with nobody listening the row waits, and says so by kind alone
    queue(person(), key="second")
    assert send_due_notices(now=MORNING).retried == 1
    assert Notice.objects.get(dedup_key="second").last_error == "ConnectionRefusedError"
