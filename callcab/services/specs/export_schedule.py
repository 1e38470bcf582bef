"""The list of files that come by themselves."""

from sqlalchemy import orm

from callcab.models import ExportSchedule
from callcab.services.listing import ListSpec, ReferenceFilter, Sort, register

EXPORT_SCHEDULE = register(
    ListSpec(
        name="export_schedule",
        model=ExportSchedule,
        sorts={"created_at": Sort(ExportSchedule.created_at)},
        default_sort="-created_at",
        filters=(ReferenceFilter("customer", ExportSchedule.customer_id),),
        options=lambda: [
            orm.joinedload(ExportSchedule.view),
            orm.joinedload(ExportSchedule.owner),
            orm.joinedload(ExportSchedule.last_operation),
            orm.joinedload(ExportSchedule.customer),
        ],
    )
)
