"""Addresses of this room below /api/v1/."""

from __future__ import annotations

from django.urls import path

from merchants.api import buying, events, orders

app_name = "merchants-api"
urlpatterns = [
    path("shop", orders.Shop.as_view(), name="shop"),
    path("checkouts", orders.Checkouts.as_view(), name="checkouts"),
    path("checkouts/<uuid:ref>", orders.CheckoutDetail.as_view(), name="checkout"),
    path("checkouts/<uuid:ref>/cancel", orders.CancelCheckout.as_view(), name="cancel"),
    path("checkouts/<uuid:ref>/void", orders.VoidCheckout.as_view(), name="void"),
    path("checkouts/<uuid:ref>/captures", orders.Captures.as_view(), name="captures"),
    path("checkouts/<uuid:ref>/refunds", orders.Refunds.as_view(), name="refunds"),
    path("settlements", orders.Settlements.as_view(), name="settlements"),
    path("settlements/<uuid:ref>", orders.SettlementDetail.as_view(), name="settlement"),
    path("webhook-endpoints", events.Endpoints.as_view(), name="endpoints"),
    path("webhook-endpoints/<uuid:ref>", events.EndpointDetail.as_view(), name="endpoint"),
    path("webhook-endpoints/<uuid:ref>/secret", events.EndpointSecret.as_view(), name="endpoint-secret"),
    path("webhook-endpoints/<uuid:ref>/test", events.TestEndpoint.as_view(), name="endpoint-test"),
    path("deliveries", events.Deliveries.as_view(), name="deliveries"),
    path("deliveries/<uuid:ref>/replay", events.ReplayDelivery.as_view(), name="replay"),
    path("purchases/<uuid:ref>", buying.PurchaseDetail.as_view(), name="purchase"),
    path("purchases/<uuid:ref>/decide", buying.DecidePurchase.as_view(), name="decide"),
    path("purchases/<uuid:ref>/agree", buying.AgreePurchase.as_view(), name="agree"),
    path("sandbox/date", buying.SandboxDate.as_view(), name="sandbox-date"),
]
