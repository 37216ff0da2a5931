"""Papers that show what a draw was for, as officers read them: each opening is in the trail."""

from __future__ import annotations

import base64
import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from credit.models import PurposeEvidence
from lendportal.desk.view_log import note_view


def paper(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Give a paper as a file, never as a page of ours."""
    found = get_object_or_404(PurposeEvidence.objects.select_related("line"), ref=ref)
    note_view(request, page="purpose_paper", object_ref=found.line.ref, object_type="credit.CreditLine")
    ending = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[found.content_type]
    return HttpResponse(
        base64.b64decode(found.content),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="paper-{found.sha256[:12]}.{ending}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
