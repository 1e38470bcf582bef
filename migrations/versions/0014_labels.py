"""labels of callers, of customers and of personal numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMNS = ("label_name", "label_category", "label_text")
TABLES = ("customer", "phone_number")
WHOLE = "(label_text = '') = (label_name = '') AND (label_text = '') = (label_category = '')"


def upgrade() -> None:
    for table in TABLES:
        for name in COLUMNS:
            op.add_column(table, sa.Column(name, sa.Text(), server_default="", nullable=False))
        op.create_check_constraint(op.f(f"ck_{table}_label_whole"), table, WHOLE)
        op.create_check_constraint(op.f(f"ck_{table}_label_text_length"), table, "char_length(label_text) <= 32")
    op.create_check_constraint(
        op.f("ck_phone_number_label_is_personal"), "phone_number", "label_text = '' OR kind = 'personal'"
    )


def downgrade() -> None:
    for table in TABLES:
        for name in COLUMNS:
            op.drop_column(table, name)
