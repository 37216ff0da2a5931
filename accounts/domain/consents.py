"""The words that a borrower agrees to, one text a purpose, each with its version."""

from __future__ import annotations

from dataclasses import dataclass

from regimes.errors import N_


@dataclass(frozen=True)
class ConsentText:
    """What is asked, in message ids that the interface translates."""

    purpose: str
    version: str
    title: str
    text: str
    stops: str = ""  # what no longer works once it is taken back
    required_to_apply: bool = False
    business_only: bool = False


TEXTS: dict[str, ConsentText] = {
    text.purpose: text
    for text in (
        ConsentText(
            "CREDIT_DECISION",
            "2026-11-01",
            N_("Decide on my application by computer"),
            N_(
                "We use the data that you share to work out a limit and a price by computer. You can ask a person "
                "to look at the decision again, and you always see its main reasons."
            ),
            required_to_apply=True,
            stops=N_(
                "No new application, no draw and no rise of your limit. What you owe is repaid as agreed."
            ),
        ),
        ConsentText(
            "PAYMENTS",
            "2026-11-01",
            N_("Use my payment history"),
            N_(
                "We read how you paid bills and earlier loans: dates, amounts and delays. We keep monthly sums."
            ),
            stops=N_("Your limit is looked at again without your payment history; it may fall."),
        ),
        ConsentText(
            "SPENDING",
            "2026-11-01",
            N_("Use my spending habits"),
            N_(
                "We read how much you spend a month and on what kind of things. We do not judge single purchases."
            ),
            stops=N_("Your limit is looked at again without your spending; it may fall."),
        ),
        ConsentText(
            "BILLS",
            "2026-11-01",
            N_("Use my bills"),
            N_("We read whether rent, power, water and phone bills are paid on time."),
            stops=N_("Your limit is looked at again without your bills; it may fall."),
        ),
        ConsentText(
            "BANK",
            "2026-11-01",
            N_("Use my bank statements"),
            N_("We read money coming in and going out of the accounts whose statements you upload."),
            stops=N_(
                "Statements are no longer read, a pay day is no longer suggested, and the limit may fall."
            ),
        ),
        ConsentText(
            "BUSINESS",
            "2026-11-01",
            N_("Use the figures of my business"),
            N_(
                "We read sales, purchases and invoices that the business shares, and compare them with its statements."
            ),
            business_only=True,
            stops=N_("The picture of your business and its warnings end, and the limit may fall."),
        ),
        ConsentText(
            "SOCIAL",
            "2026-11-01",
            N_("Use social data"),
            N_(
                "Switched off unless you switch it on. It never lowers a limit, and nobody among your contacts is told."
            ),
            stops=N_("Nothing stops: it only ever helped."),
        ),
        ConsentText(
            "MARKETING",
            "2026-11-01",
            N_("Send me offers"),
            N_("We may tell you about new products. Saying no changes nothing else."),
            stops=N_("No more offers. Messages about your loans go on."),
        ),
    )
}
