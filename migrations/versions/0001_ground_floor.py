"""ground floor."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


TENANT_TABLES = (
    "api_token",
    "audit_event",
    "blacklist_entry",
    "call",
    "call_event",
    "campaign",
    "company",
    "contact",
    "invoice",
    "invoice_line",
    "ip_denial",
    "ip_rule",
    "ivr_rule",
    "ledger_entry",
    "login_event",
    "mail_message",
    "number_event",
    "number_lease",
    "number_rental",
    "operation",
    "operation_row",
    "payment",
    "promo_activation",
    "promo_attempt",
    "reservation",
    "session_record",
    "stored_file",
    "user",
    "verification",
)
STAFF_TABLES = ("invoice_counter", "note", "promo_batch", "promo_code", "seller", "tariff")
# Only inserted, by anybody: money, audit and what a provider said (AC-60).
APPEND_ONLY = ("audit_event", "call_event", "ledger_entry", "login_event", "payment", "promo_activation")
# Never deleted: documents and calls stay.
KEPT = ("call", "customer", "invoice", "invoice_line", "reservation")


def secure() -> None:
    """Policies and grants of all tables."""
    policies.create_roles()
    for table in TENANT_TABLES:
        policies.confine(table)
    policies.confine("customer", policies.MINE.replace("customer_id", "id", 1))
    policies.confine("phone_number", readable=f"customer_id IS NULL OR {policies.MINE}")
    everything = (*TENANT_TABLES, "customer", "phone_number")
    for role, tables in ((TENANT_ROLE, everything), (STAFF_ROLE, (*everything, *STAFF_TABLES))):
        policies.grant(role, "SELECT, INSERT", tables)
        policies.grant(role, "UPDATE", [name for name in tables if name not in APPEND_ONLY])
        policies.grant(role, "DELETE", [name for name in tables if name not in (*APPEND_ONLY, *KEPT)])
    policies.grant(TENANT_ROLE, "SELECT", ("seller", "tariff"))
    policies.grant(TENANT_ROLE, "SELECT, INSERT, UPDATE", ("invoice_counter",))


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "seller",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("inn", sa.String(length=12), nullable=False),
        sa.Column("kpp", sa.String(length=9), nullable=False),
        sa.Column("ogrn", sa.String(length=15), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("bank_name", sa.Text(), nullable=False),
        sa.Column("bik", sa.String(length=9), nullable=False),
        sa.Column("corr_account", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=20), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("accountant", sa.Text(), nullable=False),
        sa.Column(
            "vat_mode",
            sa.Enum("none", "inside", "on_top", name="vatmode", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("vat_rate", sa.Numeric(12, 4), nullable=True),
        sa.Column("service_name", sa.Text(), nullable=False),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.Column("attention", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(vat_mode = 'none') = (vat_rate IS NULL)", name=op.f("ck_seller_vat_rate_with_mode")),
        sa.CheckConstraint("vat_rate IN (0, 5, 7, 10, 20, 22)", name=op.f("ck_seller_vat_rate_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller")),
        sa.UniqueConstraint("inn", name=op.f("uq_seller_inn")),
    )
    op.create_index("uq_seller_default", "seller", ["is_default"], unique=True, postgresql_where=sa.text("is_default"))
    op.create_table(
        "tariff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_seconds", sa.Integer(), nullable=False),
        sa.Column("step_seconds", sa.Integer(), nullable=False),
        sa.Column("minute_price", sa.Numeric(12, 4), nullable=False),
        sa.Column("rental_day_price", sa.Numeric(12, 4), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("first_seconds > 0 AND step_seconds > 0", name=op.f("ck_tariff_intervals")),
        sa.CheckConstraint("minute_price >= 0 AND rental_day_price >= 0", name=op.f("ck_tariff_prices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
        sa.UniqueConstraint("name", name=op.f("uq_tariff_name")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("inn", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "blocked", name="customerstatus", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("block_reason", sa.Text(), nullable=True),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.Numeric(14, 2), nullable=False),
        sa.Column("reserved", sa.Numeric(14, 2), nullable=False),
        sa.Column("credit_limit", sa.Numeric(14, 2), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("manager_id", sa.BigInteger(), nullable=True),
        sa.Column("ip_open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(status = 'blocked') = (block_reason IS NOT NULL)", name=op.f("ck_customer_block_has_reason")
        ),
        sa.CheckConstraint("balance - reserved >= -credit_limit", name=op.f("ck_customer_within_credit_limit")),
        sa.CheckConstraint("credit_limit >= 0", name=op.f("ck_customer_credit_limit_not_negative")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_customer_reserved_not_negative")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_customer_tariff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index("ix_customer_created_at_id", "customer", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_customer_inn"), "customer", ["inn"], unique=False)
    op.create_index(op.f("ix_customer_manager_id"), "customer", ["manager_id"], unique=False)
    op.create_index(
        "ix_customer_name_trgm",
        "customer",
        ["name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.create_table(
        "invoice_counter",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_invoice_counter_seller_id")),
        sa.PrimaryKeyConstraint("seller_id", "year", name=op.f("pk_invoice_counter")),
    )
    op.create_table(
        "company",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("inn", sa.String(length=12), nullable=False),
        sa.Column("kpp", sa.String(length=9), nullable=False),
        sa.Column("ogrn", sa.String(length=15), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_company_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("customer_id", "inn", "kpp", name=op.f("uq_company_customer_id_inn_kpp")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "payment",
                "promo",
                "call",
                "rental",
                "correction",
                "reversal",
                name="entrykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "account",
            sa.Enum(
                "bank",
                "promo",
                "revenue",
                "correction",
                name="account",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.Numeric(14, 2), nullable=False),
        sa.Column("balance_after", sa.Numeric(14, 2), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("cause_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reverses_id IS NOT NULL)", name=op.f("ck_ledger_entry_reversal_names_entry")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entry_amount_not_zero")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_ledger_entry_customer_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger_entry.id"], name=op.f("fk_ledger_entry_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_ledger_entry_idempotency_key")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_entry_reverses_id")),
    )
    op.create_index("ix_ledger_entry_cause", "ledger_entry", ["cause", "cause_id"], unique=False)
    op.create_index(
        "ix_ledger_entry_customer_id_created_at", "ledger_entry", ["customer_id", "created_at"], unique=False
    )
    op.create_index("ix_ledger_entry_customer_id_id", "ledger_entry", ["customer_id", "id"], unique=False)
    op.create_table(
        "mail_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("queued", "sent", "failed", name="mailstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_mail_message_sent_has_time")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_mail_message_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_message")),
    )
    op.create_index(
        "ix_mail_message_customer_id_created_at_id", "mail_message", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_mail_message_created_at_id", "mail_message", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_mail_message_due", "mail_message", ["next_at"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_table(
        "phone_number",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phone", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "shared", "duty", "personal", name="numberkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "free",
                "busy",
                "pending",
                "verified",
                "failed",
                "blocked",
                name="numberstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("busy_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rented_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'shared' AND state IN ('free', 'busy', 'blocked')) OR (kind = 'duty' AND state IN ('free', 'blocked')) OR (kind = 'personal' AND state IN ('pending', 'verified', 'failed', 'blocked'))",
            name=op.f("ck_phone_number_state_fits_kind"),
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'personal' THEN customer_id IS NOT NULL AND rented_until IS NULL WHEN 'duty' THEN customer_id IS NULL AND rented_until IS NULL ELSE (customer_id IS NULL) = (rented_until IS NULL) END",
            name=op.f("ck_phone_number_holder_fits_kind"),
        ),
        sa.CheckConstraint("phone BETWEEN 70000000000 AND 79999999999", name=op.f("ck_phone_number_phone_russian")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_phone_number_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_number")),
    )
    op.create_index("ix_phone_number_created_at_id", "phone_number", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_phone_number_customer_id_created_at_id", "phone_number", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_phone_number_kind_state", "phone_number", ["kind", "state"], unique=False)
    op.create_index("ix_phone_number_phone", "phone_number", ["phone"], unique=False)
    op.create_index(
        "uq_phone_number_personal",
        "phone_number",
        ["customer_id", "phone"],
        unique=True,
        postgresql_where=sa.text("kind = 'personal'"),
    )
    op.create_index(
        "uq_phone_number_pool",
        "phone_number",
        ["phone"],
        unique=True,
        postgresql_where=sa.text("kind <> 'personal' OR state = 'verified'"),
    )
    op.create_table(
        "promo_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_promo_attempt_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promo_attempt")),
    )
    op.create_index(
        "ix_promo_attempt_customer_id_created_at", "promo_attempt", ["customer_id", "created_at"], unique=False
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("amount", sa.Numeric(14, 2), nullable=False),
        sa.Column("settled_amount", sa.Numeric(14, 2), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "settled",
                "released",
                name="reservationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("cause_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_reservation_closed_has_time")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_reservation_amount_not_negative")),
        sa.CheckConstraint(
            "settled_amount >= 0 AND settled_amount <= amount", name=op.f("ck_reservation_settled_within")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_reservation_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_reservation_idempotency_key")),
    )
    op.create_index(
        "ix_reservation_customer_id_created_at_id", "reservation", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_reservation_open_expires_at",
        "reservation",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "disabled", name="userstatus", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(customer_id IS NULL AND role IN ('agent', 'lead', 'admin')) OR (customer_id IS NOT NULL AND role IN ('owner', 'manager', 'accountant', 'operator', 'viewer'))",
            name=op.f("ck_user_role_fits_side"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_user_email_lower")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_user_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
    )
    op.create_index("ix_user_customer_id", "user", ["customer_id"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_api_token_created_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_api_token_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index(
        "ix_api_token_customer_id_created_at_id", "api_token", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=48), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name=op.f("fk_audit_event_actor_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_audit_event_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_created_at_id", "audit_event", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_audit_event_customer_id_created_at_id", "audit_event", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_audit_event_object", "audit_event", ["object_type", "object_id"], unique=False)
    op.create_table(
        "campaign",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "information",
                "service",
                "debt",
                "advertising",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("consent_note", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "waiting",
                "running",
                "paused",
                "finished",
                "stopped",
                name="campaignstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("wait_reason", sa.String(length=48), nullable=True),
        sa.Column("own_number_id", sa.BigInteger(), nullable=True),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("quiet_until", sa.Time(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("contacts_total", sa.Integer(), nullable=False),
        sa.Column("contacts_done", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_key", sa.String(length=64), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "purpose <> 'advertising' OR consent_note <> ''", name=op.f("ck_campaign_advertising_needs_consent")
        ),
        sa.CheckConstraint("lines BETWEEN 1 AND 200", name=op.f("ck_campaign_lines")),
        sa.CheckConstraint("quiet_from > quiet_until", name=op.f("ck_campaign_calling_hours")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_campaign_created_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_campaign_customer_id")),
        sa.ForeignKeyConstraint(
            ["own_number_id"], ["phone_number.id"], name=op.f("fk_campaign_own_number_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("request_key", name=op.f("uq_campaign_request_key")),
    )
    op.create_index("ix_campaign_created_at_id", "campaign", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_campaign_customer_id_created_at_id", "campaign", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_campaign_state", "campaign", ["state"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("seller", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("buyer_inn", sa.String(length=12), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column(
            "vat_mode",
            sa.Enum("none", "inside", "on_top", name="vatmode", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("total", sa.Numeric(14, 2), nullable=False),
        sa.Column("vat_total", sa.Numeric(14, 2), nullable=False),
        sa.Column("paid_total", sa.Numeric(14, 2), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "issued",
                "partly_paid",
                "paid",
                "overdue",
                "cancelled",
                name="invoicestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancel_reason IS NOT NULL)", name=op.f("ck_invoice_cancelled_has_reason")
        ),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_at IS NOT NULL)", name=op.f("ck_invoice_cancelled_has_time")
        ),
        sa.CheckConstraint("state <> 'paid' OR paid_total >= total", name=op.f("ck_invoice_paid_in_full")),
        sa.CheckConstraint("paid_total >= 0", name=op.f("ck_invoice_paid_not_negative")),
        sa.CheckConstraint("total > 0", name=op.f("ck_invoice_total_positive")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_invoice_created_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_invoice_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("customer_id", "request_key", name=op.f("uq_invoice_customer_id_request_key")),
        sa.UniqueConstraint("seller_id", "year", "number", name=op.f("uq_invoice_seller_id_year_number")),
    )
    op.create_index("ix_invoice_buyer_inn", "invoice", ["buyer_inn"], unique=False)
    op.create_index("ix_invoice_created_at_id", "invoice", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_invoice_customer_id_created_at_id", "invoice", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_invoice_number", "invoice", ["number"], unique=False)
    op.create_index("ix_invoice_total_id", "invoice", ["total", "id"], unique=False)
    op.create_index("ix_invoice_state_created_at_id", "invoice", ["state", "created_at", "id"], unique=False)
    op.create_index(
        "ix_invoice_buyer_name_trgm",
        "invoice",
        [sa.literal_column("(buyer ->> 'name')").label("buyer_name")],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"buyer_name": "gin_trgm_ops"},
    )
    op.create_table(
        "ip_denial",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("address", postgresql.INET(), nullable=False),
        sa.Column(
            "door",
            sa.Enum("cabinet", "api", "admin", name="door", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_ip_denial_customer_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_ip_denial_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ip_denial")),
    )
    op.create_index("ix_ip_denial_created_at_id", "ip_denial", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_ip_denial_customer_id_created_at_id", "ip_denial", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "ip_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("network", postgresql.CIDR(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_ip_rule_created_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_ip_rule_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ip_rule")),
        sa.UniqueConstraint(
            "customer_id", "network", name=op.f("uq_ip_rule_customer_id_network"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_ip_rule_created_at_id", "ip_rule", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_ip_rule_customer_id_created_at_id", "ip_rule", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "login_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "success",
                "wrong_password",
                "wrong_code",
                "blocked",
                "stranger_address",
                "throttled",
                "logout",
                "password_changed",
                "password_reset_asked",
                name="loginoutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_login_event_customer_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_login_event_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_event")),
    )
    op.create_index("ix_login_event_account_created_at", "login_event", ["account", "created_at"], unique=False)
    op.create_index("ix_login_event_created_at", "login_event", ["created_at"], unique=False)
    op.create_index("ix_login_event_customer_id_created_at", "login_event", ["customer_id", "created_at"], unique=False)
    op.create_index("ix_login_event_user_id_created_at", "login_event", ["user_id", "created_at"], unique=False)
    op.create_table(
        "note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("about_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["about_id"], ["customer.id"], name=op.f("fk_note_about_id")),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name=op.f("fk_note_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
    )
    op.create_index("ix_note_about_id_id", "note", ["about_id", "id"], unique=False)
    op.create_table(
        "number_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_number_event_customer_id")),
        sa.ForeignKeyConstraint(
            ["number_id"], ["phone_number.id"], name=op.f("fk_number_event_number_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_event")),
    )
    op.create_index("ix_number_event_customer_id", "number_event", ["customer_id"], unique=False)
    op.create_index("ix_number_event_number_id_id", "number_event", ["number_id", "id"], unique=False)
    op.create_table(
        "number_rental",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("period", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("price", sa.Numeric(14, 2), nullable=False),
        sa.Column("ledger_entry_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("number_id"), "="),
            (sa.column("period"), "&&"),
            where=sa.text("ended_at IS NULL"),
            using="gist",
            name="excl_number_rental_period",
        ),
        sa.CheckConstraint("price >= 0", name=op.f("ck_number_rental_price_not_negative")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_number_rental_customer_id")),
        sa.ForeignKeyConstraint(
            ["ledger_entry_id"], ["ledger_entry.id"], name=op.f("fk_number_rental_ledger_entry_id")
        ),
        sa.ForeignKeyConstraint(["number_id"], ["phone_number.id"], name=op.f("fk_number_rental_number_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_rental")),
        sa.UniqueConstraint("ledger_entry_id", name=op.f("uq_number_rental_ledger_entry_id")),
    )
    op.create_index("ix_number_rental_customer_id", "number_rental", ["customer_id"], unique=False)
    op.create_table(
        "promo_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(14, 2), nullable=False),
        sa.Column("uses_per_code", sa.Integer(), nullable=False),
        sa.Column("codes_count", sa.Integer(), nullable=False),
        sa.Column("activations_count", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum("active", "paused", name="promostate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("request_key", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promo_batch_amount_positive")),
        sa.CheckConstraint("uses_per_code > 0", name=op.f("ck_promo_batch_uses_positive")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_promo_batch_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promo_batch")),
        sa.UniqueConstraint("request_key", name=op.f("uq_promo_batch_request_key")),
    )
    op.create_index("ix_promo_batch_created_at_id", "promo_batch", ["created_at", "id"], unique=False)
    op.create_table(
        "session_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_session_record_customer_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_session_record_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_record")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_record_token_hash")),
    )
    op.create_index("ix_session_record_user_id", "session_record", ["user_id"], unique=False)
    op.create_table(
        "stored_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_stored_file_created_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_stored_file_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("key", name=op.f("uq_stored_file_key")),
    )
    op.create_index("ix_stored_file_customer_id", "stored_file", ["customer_id"], unique=False)
    op.create_index("ix_stored_file_expires_at", "stored_file", ["expires_at"], unique=False)
    op.create_table(
        "verification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=True),
        sa.Column("phone", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "dialling",
                "ringing",
                "answered",
                "verified",
                "failed",
                name="verificationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("digits", sa.String(length=32), nullable=False),
        sa.Column("provider_ref", sa.String(length=64), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state IN ('verified', 'failed')) = (finished_at IS NOT NULL)",
            name=op.f("ck_verification_finished_has_time"),
        ),
        sa.CheckConstraint(
            "(state IN ('verified', 'failed')) = (outcome IS NOT NULL)",
            name=op.f("ck_verification_finished_has_outcome"),
        ),
        sa.ForeignKeyConstraint(["confirmed_by"], ["user.id"], name=op.f("fk_verification_confirmed_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_verification_customer_id")),
        sa.ForeignKeyConstraint(
            ["number_id"], ["phone_number.id"], name=op.f("fk_verification_number_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_verification_provider_ref")),
    )
    op.create_index("ix_verification_created_at_id", "verification", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_verification_customer_id_created_at_id", "verification", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_verification_number_id", "verification", ["number_id"], unique=False)
    op.create_index("ix_verification_phone_created_at", "verification", ["phone", "created_at"], unique=False)
    op.create_index(
        "uq_verification_open",
        "verification",
        ["phone"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'dialling', 'ringing', 'answered')"),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("phone", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "calling",
                "waiting",
                "done",
                "refused",
                name="contactstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_contact_campaign_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contact_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("campaign_id", "phone", name=op.f("uq_contact_campaign_id_phone")),
    )
    op.create_index("ix_contact_customer_id_phone", "contact", ["customer_id", "phone"], unique=False)
    op.create_index(
        "ix_contact_due",
        "contact",
        ["campaign_id", "next_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('new', 'waiting')"),
    )
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(12, 4), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(14, 2), nullable=False),
        sa.Column("total", sa.Numeric(14, 2), nullable=False),
        sa.Column("vat_rate", sa.Numeric(12, 4), nullable=True),
        sa.Column("vat", sa.Numeric(14, 2), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0 AND price >= 0", name=op.f("ck_invoice_line_amounts")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_invoice_line_customer_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint("invoice_id", "position", name=op.f("uq_invoice_line_invoice_id_position")),
    )
    op.create_index("ix_invoice_line_customer_id", "invoice_line", ["customer_id"], unique=False)
    op.create_table(
        "ivr_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("digit", sa.String(length=1), nullable=False),
        sa.Column(
            "action",
            sa.Enum(
                "play",
                "blacklist",
                "repeat",
                "hangup",
                name="ivraction",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("digit ~ '^[0-9*#]$'", name=op.f("ck_ivr_rule_digit")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_ivr_rule_campaign_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_ivr_rule_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ivr_rule")),
        sa.UniqueConstraint("campaign_id", "digit", name=op.f("uq_ivr_rule_campaign_id_digit")),
    )
    op.create_index("ix_ivr_rule_customer_id", "ivr_rule", ["customer_id"], unique=False)
    op.create_table(
        "number_lease",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_number_lease_campaign_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_number_lease_customer_id")),
        sa.ForeignKeyConstraint(["number_id"], ["phone_number.id"], name=op.f("fk_number_lease_number_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_lease")),
    )
    op.create_index("ix_number_lease_campaign_id", "number_lease", ["campaign_id"], unique=False)
    op.create_index("ix_number_lease_customer_id", "number_lease", ["customer_id"], unique=False)
    op.create_index(
        "uq_number_lease_open",
        "number_lease",
        ["number_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "operation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "action", "import", "export", name="operationkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=48), nullable=False),
        sa.Column("spec_name", sa.String(length=48), nullable=True),
        sa.Column("filter", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "preview",
                "ready",
                "queued",
                "running",
                "done",
                "failed",
                "cancelled",
                name="operationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("cursor", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("actor_is_staff", sa.Boolean(), nullable=False),
        sa.Column("input_file_id", sa.BigInteger(), nullable=True),
        sa.Column("output_file_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f("ck_operation_failed_has_code")),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name=op.f("ck_operation_finished")
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name=op.f("fk_operation_actor_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_operation_customer_id")),
        sa.ForeignKeyConstraint(
            ["input_file_id"], ["stored_file.id"], name=op.f("fk_operation_input_file_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["output_file_id"], ["stored_file.id"], name=op.f("fk_operation_output_file_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    op.create_index("ix_operation_created_at_id", "operation", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_operation_customer_id_created_at_id", "operation", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_operation_due",
        "operation",
        ["heartbeat_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('preview', 'queued', 'running')"),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "credit",
                "debit",
                "refund",
                "adjustment",
                name="paymentkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "method",
            sa.Enum(
                "card",
                "sbp",
                "invoice",
                "promo",
                "manual",
                name="paymentmethod",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.Numeric(14, 2), nullable=False),
        sa.Column("tariff_name", sa.Text(), nullable=False),
        sa.Column("receipt_url", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("ledger_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind <> 'adjustment' OR reason <> ''", name=op.f("ck_payment_adjustment_has_reason")),
        sa.CheckConstraint(
            "kind <> 'credit' OR amount > 0 OR reverses_id IS NOT NULL", name=op.f("ck_payment_credit_positive")
        ),
        sa.CheckConstraint("kind NOT IN ('debit', 'refund') OR amount < 0", name=op.f("ck_payment_debit_negative")),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_payment_amount_not_zero")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_payment_created_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_payment_customer_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payment_invoice_id")),
        sa.ForeignKeyConstraint(["ledger_entry_id"], ["ledger_entry.id"], name=op.f("fk_payment_ledger_entry_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["payment.id"], name=op.f("fk_payment_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("external_id", name=op.f("uq_payment_external_id")),
        sa.UniqueConstraint("ledger_entry_id", name=op.f("uq_payment_ledger_entry_id")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_payment_reverses_id")),
    )
    op.create_index("ix_payment_amount", "payment", ["amount"], unique=False)
    op.create_index("ix_payment_created_at_id", "payment", ["created_at", "id"], unique=False)
    op.create_index("ix_payment_customer_id_amount", "payment", ["customer_id", "amount"], unique=False)
    op.create_index(
        "ix_payment_customer_id_created_at_id", "payment", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index(op.f("ix_payment_invoice_id"), "payment", ["invoice_id"], unique=False)
    op.create_table(
        "promo_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("uses_limit", sa.Integer(), nullable=False),
        sa.Column("used_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("used_count >= 0 AND used_count <= uses_limit", name=op.f("ck_promo_code_within_limit")),
        sa.ForeignKeyConstraint(["batch_id"], ["promo_batch.id"], name=op.f("fk_promo_code_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promo_code")),
        sa.UniqueConstraint("code", name=op.f("uq_promo_code_code")),
    )
    op.create_index("ix_promo_code_batch_id_id", "promo_code", ["batch_id", "id"], unique=False)
    op.create_index("ix_promo_code_created_at_id", "promo_code", ["created_at", "id"], unique=False)
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("phone", sa.BigInteger(), nullable=False),
        sa.Column("from_phone", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "placed",
                "ringing",
                "answered",
                "finished",
                "refused",
                name="callstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "completed",
                "verified",
                "wrong_digit",
                "no_input",
                "hangup_before_digit",
                "no_answer",
                "busy",
                "rejected",
                "unallocated",
                "unreachable",
                "congestion",
                "machine",
                "request_refused",
                "lost",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("digits", sa.String(length=32), nullable=False),
        sa.Column("decision", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("provider_ref", sa.String(length=64), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Numeric(14, 2), nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state IN ('finished', 'refused')) = (ended_at IS NOT NULL)", name=op.f("ck_call_ended_has_time")
        ),
        sa.CheckConstraint(
            "(state IN ('finished', 'refused')) = (outcome IS NOT NULL)", name=op.f("ck_call_ended_has_outcome")
        ),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_call_cost_not_negative")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_call_campaign_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_call_contact_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_call_customer_id")),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"], name=op.f("fk_call_reservation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("contact_id", "attempt", name=op.f("uq_call_contact_id_attempt")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_call_provider_ref")),
        sa.UniqueConstraint("reservation_id", name=op.f("uq_call_reservation_id")),
    )
    op.create_index("ix_call_campaign_id", "call", ["campaign_id"], unique=False)
    op.create_index("ix_call_created_at_id", "call", ["created_at", "id"], unique=False)
    op.create_index("ix_call_customer_id_created_at_id", "call", ["customer_id", "created_at", "id"], unique=False)
    op.create_index("ix_call_customer_id_phone", "call", ["customer_id", "phone"], unique=False)
    op.create_index(
        "ix_call_open_deadline_at", "call", ["deadline_at"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("ix_call_phone", "call", ["phone"], unique=False)
    op.create_table(
        "operation_row",
        sa.Column("operation_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "done",
                "known",
                "skipped",
                "failed",
                name="rowoutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_operation_row_customer_id")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_operation_row_operation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", "position", name=op.f("pk_operation_row")),
    )
    op.create_index("ix_operation_row_customer_id", "operation_row", ["customer_id"], unique=False)
    op.create_table(
        "promo_activation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.Numeric(14, 2), nullable=False),
        sa.Column("ledger_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code_id"], ["promo_code.id"], name=op.f("fk_promo_activation_code_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_promo_activation_customer_id")),
        sa.ForeignKeyConstraint(
            ["ledger_entry_id"], ["ledger_entry.id"], name=op.f("fk_promo_activation_ledger_entry_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_promo_activation_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promo_activation")),
        sa.UniqueConstraint("code_id", "customer_id", name=op.f("uq_promo_activation_code_id_customer_id")),
        sa.UniqueConstraint("ledger_entry_id", name=op.f("uq_promo_activation_ledger_entry_id")),
    )
    op.create_index(
        "ix_promo_activation_customer_id_created_at_id",
        "promo_activation",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "blacklist_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phone", sa.BigInteger(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "hand",
                "clipboard",
                "file",
                "ivr",
                "api",
                name="blacklistsource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("operation_id", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name=op.f("fk_blacklist_entry_author_id")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_blacklist_entry_call_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_blacklist_entry_customer_id")),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("fk_blacklist_entry_operation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blacklist_entry")),
        sa.UniqueConstraint(
            "customer_id",
            "phone",
            name=op.f("uq_blacklist_entry_customer_id_phone"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_blacklist_entry_created_at_id", "blacklist_entry", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_blacklist_entry_customer_id_created_at_id",
        "blacklist_entry",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index("ix_blacklist_entry_operation_id", "blacklist_entry", ["operation_id"], unique=False)
    op.create_index("ix_blacklist_entry_phone", "blacklist_entry", ["phone"], unique=False)
    op.create_table(
        "call_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.BigInteger(), nullable=True),
        sa.Column("verification_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_ref", sa.String(length=64), nullable=False),
        sa.Column("event_key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(call_id IS NULL) <> (verification_id IS NULL)", name=op.f("ck_call_event_one_owner")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_event_call_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_call_event_customer_id")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verification.id"], name=op.f("fk_call_event_verification_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_event")),
        sa.UniqueConstraint("provider_ref", "event_key", name=op.f("uq_call_event_provider_ref_event_key")),
    )
    op.create_index("ix_call_event_call_id", "call_event", ["call_id"], unique=False)
    op.create_index("ix_call_event_customer_id", "call_event", ["customer_id"], unique=False)
    op.create_index("ix_call_event_verification_id", "call_event", ["verification_id"], unique=False)
    # customer and user name each other, so one of the two keys comes after both tables.
    op.create_foreign_key("fk_customer_manager_id", "customer", "user", ["manager_id"], ["id"])
    secure()


def downgrade() -> None:
    op.drop_constraint("fk_customer_manager_id", "customer", type_="foreignkey")
    op.drop_index("ix_call_event_verification_id", table_name="call_event")
    op.drop_index("ix_call_event_customer_id", table_name="call_event")
    op.drop_index("ix_call_event_call_id", table_name="call_event")
    op.drop_table("call_event")
    op.drop_index("ix_blacklist_entry_phone", table_name="blacklist_entry")
    op.drop_index("ix_blacklist_entry_operation_id", table_name="blacklist_entry")
    op.drop_index("ix_blacklist_entry_customer_id_created_at_id", table_name="blacklist_entry")
    op.drop_index("ix_blacklist_entry_created_at_id", table_name="blacklist_entry")
    op.drop_table("blacklist_entry")
    op.drop_index("ix_promo_activation_customer_id_created_at_id", table_name="promo_activation")
    op.drop_table("promo_activation")
    op.drop_index("ix_operation_row_customer_id", table_name="operation_row")
    op.drop_table("operation_row")
    op.drop_index("ix_call_phone", table_name="call")
    op.drop_index("ix_call_open_deadline_at", table_name="call", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("ix_call_customer_id_phone", table_name="call")
    op.drop_index("ix_call_customer_id_created_at_id", table_name="call")
    op.drop_index("ix_call_created_at_id", table_name="call")
    op.drop_index("ix_call_campaign_id", table_name="call")
    op.drop_table("call")
    op.drop_index("ix_promo_code_created_at_id", table_name="promo_code")
    op.drop_index("ix_promo_code_batch_id_id", table_name="promo_code")
    op.drop_table("promo_code")
    op.drop_index(op.f("ix_payment_invoice_id"), table_name="payment")
    op.drop_index("ix_payment_customer_id_created_at_id", table_name="payment")
    op.drop_index("ix_payment_customer_id_amount", table_name="payment")
    op.drop_index("ix_payment_created_at_id", table_name="payment")
    op.drop_index("ix_payment_amount", table_name="payment")
    op.drop_table("payment")
    op.drop_index(
        "ix_operation_due",
        table_name="operation",
        postgresql_where=sa.text("state IN ('preview', 'queued', 'running')"),
    )
    op.drop_index("ix_operation_customer_id_created_at_id", table_name="operation")
    op.drop_index("ix_operation_created_at_id", table_name="operation")
    op.drop_table("operation")
    op.drop_index("uq_number_lease_open", table_name="number_lease", postgresql_where=sa.text("released_at IS NULL"))
    op.drop_index("ix_number_lease_customer_id", table_name="number_lease")
    op.drop_index("ix_number_lease_campaign_id", table_name="number_lease")
    op.drop_table("number_lease")
    op.drop_index("ix_ivr_rule_customer_id", table_name="ivr_rule")
    op.drop_table("ivr_rule")
    op.drop_index("ix_invoice_line_customer_id", table_name="invoice_line")
    op.drop_table("invoice_line")
    op.drop_index("ix_contact_due", table_name="contact", postgresql_where=sa.text("state IN ('new', 'waiting')"))
    op.drop_index("ix_contact_customer_id_phone", table_name="contact")
    op.drop_table("contact")
    op.drop_index(
        "uq_verification_open",
        table_name="verification",
        postgresql_where=sa.text("state IN ('queued', 'dialling', 'ringing', 'answered')"),
    )
    op.drop_index("ix_verification_phone_created_at", table_name="verification")
    op.drop_index("ix_verification_number_id", table_name="verification")
    op.drop_index("ix_verification_customer_id_created_at_id", table_name="verification")
    op.drop_index("ix_verification_created_at_id", table_name="verification")
    op.drop_table("verification")
    op.drop_index("ix_stored_file_expires_at", table_name="stored_file")
    op.drop_index("ix_stored_file_customer_id", table_name="stored_file")
    op.drop_table("stored_file")
    op.drop_index("ix_session_record_user_id", table_name="session_record")
    op.drop_table("session_record")
    op.drop_index("ix_promo_batch_created_at_id", table_name="promo_batch")
    op.drop_table("promo_batch")
    op.drop_index("ix_number_rental_customer_id", table_name="number_rental")
    op.drop_table("number_rental")
    op.drop_index("ix_number_event_number_id_id", table_name="number_event")
    op.drop_index("ix_number_event_customer_id", table_name="number_event")
    op.drop_table("number_event")
    op.drop_index("ix_note_about_id_id", table_name="note")
    op.drop_table("note")
    op.drop_index("ix_login_event_user_id_created_at", table_name="login_event")
    op.drop_index("ix_login_event_account_created_at", table_name="login_event")
    op.drop_index("ix_login_event_customer_id_created_at", table_name="login_event")
    op.drop_index("ix_login_event_created_at", table_name="login_event")
    op.drop_table("login_event")
    op.drop_index("ix_ip_rule_customer_id_created_at_id", table_name="ip_rule")
    op.drop_index("ix_ip_rule_created_at_id", table_name="ip_rule")
    op.drop_table("ip_rule")
    op.drop_index("ix_ip_denial_customer_id_created_at_id", table_name="ip_denial")
    op.drop_index("ix_ip_denial_created_at_id", table_name="ip_denial")
    op.drop_table("ip_denial")
    op.drop_index("ix_invoice_buyer_name_trgm", table_name="invoice", postgresql_using="gin")
    op.drop_index("ix_invoice_state_created_at_id", table_name="invoice")
    op.drop_index("ix_invoice_total_id", table_name="invoice")
    op.drop_index("ix_invoice_number", table_name="invoice")
    op.drop_index("ix_invoice_customer_id_created_at_id", table_name="invoice")
    op.drop_index("ix_invoice_created_at_id", table_name="invoice")
    op.drop_index("ix_invoice_buyer_inn", table_name="invoice")
    op.drop_table("invoice")
    op.drop_index("ix_campaign_state", table_name="campaign")
    op.drop_index("ix_campaign_customer_id_created_at_id", table_name="campaign")
    op.drop_index("ix_campaign_created_at_id", table_name="campaign")
    op.drop_table("campaign")
    op.drop_index("ix_audit_event_object", table_name="audit_event")
    op.drop_index("ix_audit_event_customer_id_created_at_id", table_name="audit_event")
    op.drop_index("ix_audit_event_created_at_id", table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_index("ix_api_token_customer_id_created_at_id", table_name="api_token")
    op.drop_table("api_token")
    op.drop_index("ix_user_customer_id", table_name="user")
    op.drop_table("user")
    op.drop_index(
        "ix_reservation_open_expires_at", table_name="reservation", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index("ix_reservation_customer_id_created_at_id", table_name="reservation")
    op.drop_table("reservation")
    op.drop_index("ix_promo_attempt_customer_id_created_at", table_name="promo_attempt")
    op.drop_table("promo_attempt")
    op.drop_index(
        "uq_phone_number_pool",
        table_name="phone_number",
        postgresql_where=sa.text("kind <> 'personal' OR state = 'verified'"),
    )
    op.drop_index("uq_phone_number_personal", table_name="phone_number", postgresql_where=sa.text("kind = 'personal'"))
    op.drop_index("ix_phone_number_phone", table_name="phone_number")
    op.drop_index("ix_phone_number_kind_state", table_name="phone_number")
    op.drop_index("ix_phone_number_customer_id_created_at_id", table_name="phone_number")
    op.drop_index("ix_phone_number_created_at_id", table_name="phone_number")
    op.drop_table("phone_number")
    op.drop_index("ix_mail_message_due", table_name="mail_message", postgresql_where=sa.text("state = 'queued'"))
    op.drop_index("ix_mail_message_customer_id_created_at_id", table_name="mail_message")
    op.drop_index("ix_mail_message_created_at_id", table_name="mail_message")
    op.drop_table("mail_message")
    op.drop_index("ix_ledger_entry_customer_id_id", table_name="ledger_entry")
    op.drop_index("ix_ledger_entry_customer_id_created_at", table_name="ledger_entry")
    op.drop_index("ix_ledger_entry_cause", table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_table("company")
    op.drop_table("invoice_counter")
    op.drop_index(
        "ix_customer_name_trgm", table_name="customer", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}
    )
    op.drop_index(op.f("ix_customer_manager_id"), table_name="customer")
    op.drop_index(op.f("ix_customer_inn"), table_name="customer")
    op.drop_index("ix_customer_created_at_id", table_name="customer")
    op.drop_table("customer")
    op.drop_table("tariff")
    op.drop_index("uq_seller_default", table_name="seller", postgresql_where=sa.text("is_default"))
    op.drop_table("seller")
