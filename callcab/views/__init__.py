"""Pages: two Flask-Admin objects, support at /admin and customers at /cabinet, filled from one module per entity."""

from importlib import import_module

from flask import Flask
from flask_admin import Admin

from callcab.views import login
from callcab.views.home import CabinetHome, SupportHome
from callcab.web.theme import CABINET_FACE, STAFF_FACE

# In the order of the menu. Each module offers support_views() and/or cabinet_views().
MODULES = (
    "search",
    "customer",
    "phone_number",
    "verification",
    "campaign",
    "contact_list",
    "audio_recording",
    "call",
    "callback_request",
    "inbound_call",
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
    "loading",
    "export_schedule",
    "mail",
    "audit_event",
    "seller",
    "tariff",
    "profile",
    "keys",
)


def register(app: Flask) -> None:
    """Register every page with the application."""
    staff = Admin(name="callcab", index_view=SupportHome(), theme=STAFF_FACE, url="/admin", endpoint="admin")
    cabinet = Admin(name="callcab", index_view=CabinetHome(), theme=CABINET_FACE, url="/cabinet", endpoint="cabinet")
    for name in MODULES:
        module = import_module(f"callcab.views.{name}")
        for admin, maker in ((staff, "support_views"), (cabinet, "cabinet_views")):
            for view in getattr(module, maker, list)():
                admin.add_view(view)
    staff.init_app(app)
    cabinet.init_app(app)
    app.register_blueprint(login.blueprint)
