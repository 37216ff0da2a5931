"""Endpoints and deliveries of a shop."""

from __future__ import annotations

import uuid

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ListQuery, NoBody, documented, paged, wake_on_commit
from loans.views.wake import wake
from merchants import access, operations
from merchants.api.answers import DeliveryOut, EndpointBody, EndpointOut, NewEndpointOut
from merchants.api.keys import SIGNATURE, MerchantView
from merchants.domain.keys import Scope
from merchants.models import Delivery, WebhookEndpoint
from merchants.tasks import wake_delivery


class Endpoints(MerchantView):
    scopes = {"POST": Scope.CHECKOUT}

    @documented("List the addresses that hear of events", response=EndpointOut(many=True))
    def get(self, request: Request) -> Response:
        rows = WebhookEndpoint.objects.filter(merchant=self.merchant).order_by("-pk")[:100]
        return Response(EndpointOut(rows, many=True).data)

    @documented(
        "Add an address; its secret is shown once",
        request=EndpointBody,
        response=NewEndpointOut,
        status=201,
        parameters=[SIGNATURE],
    )
    def post(self, request: Request) -> Response:
        asked = self.body(EndpointBody)
        row, secret = operations.add_endpoint(
            merchant=self.merchant, url=asked["url"], events=asked.get("events", []), actor=None
        )
        return Response({**EndpointOut(row).data, "secret": secret}, status=201)


class EndpointDetail(MerchantView):
    scopes = {"DELETE": Scope.CHECKOUT}

    @documented("Send nothing more to an address", response=EndpointOut, writes=True, parameters=[SIGNATURE])
    def delete(self, request: Request, ref: uuid.UUID) -> Response:
        row = access.endpoint_of(merchant=self.merchant, ref=ref)
        return Response(EndpointOut(operations.remove_endpoint(endpoint=row, actor=None)).data)


class EndpointSecret(MerchantView):
    scopes = {"POST": Scope.CHECKOUT}

    @documented(
        "Make a new secret; the old one signs too for a day",
        request=NoBody,
        response=NewEndpointOut,
        status=201,
        parameters=[SIGNATURE],
    )
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        row, secret = operations.rotate_secret(
            endpoint=access.endpoint_of(merchant=self.merchant, ref=ref), actor=None, now=timezone.now()
        )
        return Response({**EndpointOut(row).data, "secret": secret}, status=201)


class TestEndpoint(MerchantView):
    scopes = {"POST": Scope.CHECKOUT}

    @documented("Send a test event", request=NoBody, response=DeliveryOut, status=201, parameters=[SIGNATURE])
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        row = operations.ping_endpoint(
            endpoint=access.endpoint_of(merchant=self.merchant, ref=ref), now=timezone.now()
        )
        wake_on_commit(wake, wake_delivery, row.pk)
        return Response(DeliveryOut(row).data, status=201)


class Deliveries(MerchantView):
    query = ListQuery

    @documented("List what was sent, with each attempt", response=paged(DeliveryOut), query=ListQuery)
    def get(self, request: Request) -> Response:
        rows = (
            Delivery.objects.filter(event__merchant=self.merchant)
            .select_related("event", "endpoint")
            .prefetch_related("log")
        )
        return self.rows(rows, DeliveryOut)


class ReplayDelivery(MerchantView):
    scopes = {"POST": Scope.CHECKOUT}

    @documented("Send an event once more", request=NoBody, response=DeliveryOut, parameters=[SIGNATURE])
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        row = operations.replay_delivery(
            delivery=access.delivery_of(merchant=self.merchant, ref=ref), now=timezone.now()
        )
        wake_on_commit(wake, wake_delivery, row.pk)
        return Response(DeliveryOut(access.delivery_of(merchant=self.merchant, ref=ref)).data)
