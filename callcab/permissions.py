"""Who may do what. A permission is ``object.verb``; a role is a set of them; what is not listed is refused.

Customer roles and staff roles never mix: a customer's permission opens only the cabinet and the API, a staff permission
only the back office, because every check names the side as well (``callcab.web.access``).
"""

CUSTOMER_ROLES = ("owner", "manager", "accountant", "operator", "viewer")
STAFF_ROLES = ("agent", "lead", "admin")

_READ = {
    "home.read",
    "invoice.read",
    "payment.read",
    "number.read",
    "verification.read",
    "blacklist.read",
    "contact_list.read",
    "audio_recording.read",
    "campaign.read",
    "call.read",
    "callback.read",
    "job.read",
    "file.read",
    "profile.edit",
    "tariff.read",
}
_MONEY = {"invoice.compose", "invoice.cancel", "promo.read", "promo.activate", "payment.export", "invoice.export"}
_DIAL = {
    "number.create",
    "number.verify",
    "number.delete",
    "number.export",
    "campaign.edit",
    "campaign.run",
    "blacklist.edit",
    "blacklist.delete",
    "blacklist.export",
    "contact_list.edit",
    "contact_list.export",
    "audio_recording.edit",
    "call.export",
    "callback.edit",
    "callback.export",
    "handset.use",
}
_OWN = {"ip.read", "ip.edit", "token.read", "token.edit", "user.read", "user.edit", "audit.read"}

_AGENT = {
    "home.read",
    "search.use",
    "customer.read",
    "customer.edit",
    "customer.note",
    "customer.mail",
    "customer.block",
    "invoice.read",
    "invoice.compose",
    "invoice.cancel",
    "invoice.paid",
    "invoice.send",
    "invoice.export",
    "payment.read",
    "payment.record",
    "payment.export",
    "number.read",
    "number.release",
    "number.rent",
    "number.rest",
    "number.verify",
    "number.block",
    "number.export",
    "verification.read",
    "verification.confirm",
    "promo.read",
    "blacklist.read",
    "blacklist.edit",
    "blacklist.delete",
    "blacklist.export",
    "ip.read",
    "ip.open",
    "contact_list.read",
    "audio_recording.read",
    "campaign.read",
    "campaign.run",
    "call.read",
    "call.export",
    "callback.read",
    "callback.export",
    "job.read",
    "file.read",
    "audit.read",
    "mail.read",
    "mail.retry",
    "profile.edit",
    "handset.use",
    "ledger.read",
}
_LEAD = {
    "payment.correct",
    "payment.reverse",
    "promo.edit",
    "promo.export",
    "number.edit",
    "number.delete",
    "blacklist.platform",
    "customer.export",
    "customer.create",
    "customer.credit",
    "seller.read",
    "ip.edit",
    "audit.export",
    "view.share",
}
_ADMIN = {"staff.read", "staff.edit", "seller.edit", "tariff.read", "tariff.edit"}

ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    "owner": frozenset(_READ | _MONEY | _DIAL | _OWN | {"number.rent", "view.share"}),
    "manager": frozenset(_READ | _MONEY | _DIAL | {"ip.read", "audit.read", "number.rent", "view.share"}),
    "accountant": frozenset(_READ | _MONEY),
    "operator": frozenset(_READ | _DIAL),
    "viewer": frozenset(_READ),
    "agent": frozenset(_AGENT),
    "lead": frozenset(_AGENT | _LEAD),
    "admin": frozenset(_AGENT | _LEAD | _ADMIN),
}
PERMISSIONS = frozenset().union(*ROLE_PERMISSIONS.values())


def allowed(role: str, permission: str) -> bool:
    """Whether the role holds the permission. KeyError for a permission that nobody declared: a typo must not pass."""
    if permission not in PERMISSIONS:
        raise KeyError(permission)
    return permission in ROLE_PERMISSIONS.get(role, frozenset())
