"""how long a personal number is proved."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("phone_number", sa.Column("proved_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("phone_number", sa.Column("proof_noticed_days", sa.Integer(), nullable=True))
    # Proved before there was an end: a year from now.
    op.execute(
        "UPDATE phone_number SET proved_until = now() + interval '365 days' WHERE kind = 'personal' AND state = 'verified'"
    )
    op.create_check_constraint(
        op.f("ck_phone_number_proof_is_personal"), "phone_number", "proved_until IS NULL OR kind = 'personal'"
    )
    op.create_index(
        "ix_phone_number_proved_until",
        "phone_number",
        ["proved_until"],
        postgresql_where=sa.text("state = 'verified'"),
    )


def downgrade() -> None:
    op.drop_index("ix_phone_number_proved_until", table_name="phone_number")
    op.drop_constraint(op.f("ck_phone_number_proof_is_personal"), "phone_number")
    op.drop_column("phone_number", "proof_noticed_days")
    op.drop_column("phone_number", "proved_until")
