"""Pages: two Flask-Admin objects, support at /admin and customers at /cabinet, filled from one module per entity."""

from importlib import import_module
from importlib.util import find_spec

from flask import Flask
from flask_admin import Admin

from callcab.web.theme import CABINET_FACE, STAFF_FACE

# In the order of the menu. Each module offers support_views() and/or cabinet_views().
MODULES = (
    "search",
    "customer",
    "phone_number",
    "verification",
    "campaign",
    "call",
    "handset",
    "blacklist",
    "invoice",
    "payment",
    "promo",
    "ledger",
    "ip_rule",
    "api_token",
    "user",
    "staff",
    "job",
    "mail",
    "audit_event",
    "seller",
    "tariff",
    "profile",
)


def register(app: Flask) -> None:
    """Register every page with the application."""
    homes = {}
    if find_spec("callcab.views.home"):
        home = import_module("callcab.views.home")
        homes = {"staff": home.SupportHome(), "cabinet": home.CabinetHome()}
    staff = Admin(name="callcab", index_view=homes.get("staff"), theme=STAFF_FACE, url="/admin", endpoint="admin")
    cabinet = Admin(
        name="callcab", index_view=homes.get("cabinet"), theme=CABINET_FACE, url="/cabinet", endpoint="cabinet"
    )
    for name in MODULES:
        if not find_spec(f"callcab.views.{name}"):
            continue
        module = import_module(f"callcab.views.{name}")
        for admin, maker in ((staff, "support_views"), (cabinet, "cabinet_views")):
            for view in getattr(module, maker, list)():
                admin.add_view(view)
    staff.init_app(app)
    cabinet.init_app(app)
    if find_spec("callcab.views.login"):
        app.register_blueprint(import_module("callcab.views.login").blueprint)
