"""Addresses of what an owner does with a good name: the credit passport, the business, planning and rights."""

from django.urls import path

from credit.views import approvals, business, contact, passport, rights

owner_patterns = [
    path("for/<uuid:ref>/contact/", contact.contact, name="contact"),
    path("for/<uuid:ref>/rights/", rights.rights, name="rights"),
    path("for/<uuid:ref>/rights/copy/", rights.export, name="export"),
    path("for/<uuid:ref>/rights/looked/", rights.looked, name="looked"),
    path("for/<uuid:ref>/rights/erase/", rights.erase, name="erase"),
    path("for/<uuid:ref>/business/", business.business, name="business"),
    path("draw-requests/<uuid:ref>/", approvals.one, name="draw-request"),
    path("draw-requests/<uuid:ref>/approve/", approvals.approve, name="draw-request-approve"),
    path("draw-requests/<uuid:ref>/no/", approvals.turn_down, name="draw-request-no"),
    path("for/<uuid:ref>/passport/", passport.passport, name="passport"),
    path("passports/<uuid:ref>/", passport.one, name="passport-one"),
    path("passports/<uuid:ref>/revoke/", passport.revoke, name="passport-revoke"),
    path(
        "passports/<uuid:ref>/links/<uuid:link_ref>/close/", passport.close_link, name="passport-link-close"
    ),
    path("passports/<uuid:ref>/file/<slug:kind>/", passport.download, name="passport-file"),
    path("passport/verify/", passport.verify, name="passport-verify"),
    path("passport/keys/", passport.keys, name="passport-keys"),
    path("passport/shared/<str:token>/", passport.shared, name="passport-shared"),
    path("passport/shared/<str:token>/<slug:kind>/", passport.shared, name="passport-shared-file"),
]
