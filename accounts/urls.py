"""Addresses of people's and businesses' pages."""

from django.urls import path

from accounts.views import business, business_rules, install, people, sessions, settings

app_name = "accounts"
urlpatterns = [
    path("manifest.webmanifest", install.manifest, name="manifest"),
    path("sw.js", install.service_worker, name="service-worker"),
    path("offline/", install.offline, name="offline"),
    path("language/", settings.language, name="language"),
    path("style/", settings.style, name="style"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/<int:session_id>/end/", sessions.end_session, name="session-end"),
    path("sessions/end-others/", sessions.end_other_sessions, name="sessions-end"),
    path("settings/", settings.settings, name="settings"),
    path("switch/", business.switch, name="switch"),
    path("business/new/", business.create, name="business-new"),
    path("for/<uuid:ref>/members/", business.members, name="members"),
    path("for/<uuid:ref>/members/<uuid:member_ref>/remove/", business.remove_member, name="member-remove"),
    path("for/<uuid:ref>/members/<uuid:member_ref>/terms/", business_rules.member_terms, name="member-terms"),
    path("for/<uuid:ref>/members/rule/", business_rules.second_approval, name="second-approval"),
    path("for/<uuid:ref>/licence/", business_rules.licence, name="licence"),
    path("licences/<uuid:ref>/file/", business_rules.licence_file, name="licence-file"),
    path("for/<uuid:ref>/identity/", people.identity, name="identity"),
    path("for/<uuid:ref>/consents/", people.consents, name="consents"),
    path("for/<uuid:ref>/banks/", people.bank_accounts, name="banks"),
    path("for/<uuid:ref>/banks/<uuid:account_ref>/remove/", people.remove_bank_account, name="bank-remove"),
    path("for/<uuid:ref>/notices/", people.notices, name="notices"),
    path("for/<uuid:ref>/notices/read/", people.read_notices, name="notices-read"),
]
