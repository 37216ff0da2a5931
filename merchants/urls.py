"""The pages of this room."""

from __future__ import annotations

from django.urls import path

from merchants.views import pay, shop

app_name = "merchants"
urlpatterns = [
    path("pay/<uuid:ref>", pay.pay, name="pay"),
    path("pay/<uuid:ref>/decide", pay.decide, name="decide"),
    path("pay/<uuid:ref>/cost", pay.cost, name="cost"),
    path("pay/<uuid:ref>/confirm", pay.confirm, name="confirm"),
    path("pay/<uuid:ref>/done", pay.done, name="done"),
    path("shops/<uuid:ref>", shop.orders, name="shop"),
    path("shops/<uuid:ref>/apply", shop.apply, name="apply"),
    path("shops/<uuid:ref>/orders/<uuid:order>", shop.order, name="order"),
    path("shops/<uuid:ref>/orders/<uuid:order>/act", shop.act, name="act"),
    path("shops/<uuid:ref>/settlements", shop.settlements, name="settlements"),
    path("shops/<uuid:ref>/refunds", shop.refunds, name="refunds"),
    path("shops/<uuid:ref>/keys", shop.keys, name="keys"),
    path("shops/<uuid:ref>/keys/<uuid:key>", shop.key, name="key"),
    path("shops/<uuid:ref>/log", shop.log, name="log"),
    path("shops/<uuid:ref>/log/<uuid:delivery>/replay", shop.replay, name="replay"),
    path("shops/<uuid:ref>/endpoints/<uuid:endpoint>", shop.endpoint, name="endpoint"),
    path("shops/<uuid:ref>/plans", shop.plans, name="plans"),
]
