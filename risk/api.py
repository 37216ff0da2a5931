"""Evidence: what was given, and giving more."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import MAY_DRAW
from accounts.api import OneBorrowerQuery, PortalView, RefField, StrictSerializer, TextField, documented
from ledger.queries import business_date
from regimes.errors import N_, InvalidInput, NotFound
from risk.evidence import queries
from risk.evidence.operations import import_statement
from risk.evidence.sandbox import connect_sandbox_person
from risk.forms import BUSINESS_KINDS, PERSON_KINDS


class EvidenceOut(serializers.Serializer[Any]):
    """One file that was given, and what was read of it."""

    ref = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.CharField()
    file_name = serializers.CharField()
    account_last4 = serializers.CharField()
    period_from = serializers.DateField(allow_null=True)
    period_to = serializers.DateField(allow_null=True)
    rows = serializers.IntegerField()
    new_rows = serializers.IntegerField()
    repeated_rows = serializers.IntegerField()
    corrected_rows = serializers.IntegerField()
    skipped_rows = serializers.IntegerField()
    redacted_rows = serializers.IntegerField()
    flags = serializers.ListField(child=serializers.CharField())
    uploaded_at = serializers.DateTimeField()


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.Field[Any, Any, Any, Any]):
    """A file of the form."""

    def to_internal_value(self, data: Any) -> UploadedFile[Any]:
        if not isinstance(data, UploadedFile):
            raise serializers.ValidationError(_("Send a file."), code="type_invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class UploadBody(StrictSerializer):
    borrower = RefField()
    kind = TextField(most=40, help_text=", ".join(code for code, _label in BUSINESS_KINDS))
    file = UploadField(help_text="The statement as it was downloaded, at most 10 MB.")


class PersonaBody(StrictSerializer):
    borrower = RefField()
    persona = TextField(most=40)


class UnableToReadKind(InvalidInput):
    """Refuse a kind of evidence that this borrower does not give."""


class Evidence(PortalView):
    query = OneBorrowerQuery
    throttle_scope = "upload"

    def get_parsers(self) -> list[Any]:
        """Take files as a form, and nothing else."""
        return [MultiPartParser()]

    @documented("List what was given", response=EvidenceOut(many=True), query=OneBorrowerQuery)
    def get(self, request: Request) -> Response:
        borrower = self.borrower(self.asked["borrower"])
        return Response(EvidenceOut(queries.evidence_of(borrower_id=borrower.pk), many=True).data)

    @documented(
        "Give a statement or a list of invoices",
        request={"multipart/form-data": UploadBody},
        response=EvidenceOut,
        status=201,
    )
    def post(self, request: Request) -> Response:
        asked = self.body(UploadBody)
        borrower = self.borrower(asked["borrower"], MAY_DRAW)
        if asked["kind"] not in dict(BUSINESS_KINDS if borrower.is_business else PERSON_KINDS):
            raise UnableToReadKind("kind_unknown", N_("Choose the kind of file from the list."), field="kind")
        source = import_statement(
            borrower_id=borrower.pk,
            kind=asked["kind"],
            stream=asked["file"],
            file_name=asked["file"].name,
            as_of=business_date(),
            now=timezone.now(),
            actor=self.user,
        )
        found = queries.evidence_source(borrower_id=borrower.pk, ref=source.ref)
        return Response(EvidenceOut(found).data, status=201)


class SandboxPerson(PortalView):
    throttle_scope = "upload"

    @documented(
        "Take the records of a ready-made person", request=PersonaBody, response=EvidenceOut, status=201
    )
    def post(self, request: Request) -> Response:
        if not settings.SANDBOX:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        asked = self.body(PersonaBody)
        borrower = self.borrower(asked["borrower"], MAY_DRAW)
        source = connect_sandbox_person(
            borrower_id=borrower.pk, persona=asked["persona"], as_of=business_date(), now=timezone.now()
        )
        found = queries.evidence_source(borrower_id=borrower.pk, ref=source.ref)
        return Response(EvidenceOut(found).data, status=201)
