"""Which operations of the audit are worth a line under "recent operations", and what kind of work each is."""

from __future__ import annotations

from crm.activities.rules.words import Act as FollowUpAct
from crm.core.words import C_, N_, Word
from crm.firms.rules.words import Act as FirmAct
from crm.ladder.rules.words import Act as LadderAct
from crm.overview.rules.bulk import BulkAct
from crm.projects.rules.words import Act as ProjectAct


class Work(Word):
    """What kind of work an operation was."""

    IMPORT = "import", N_("导入")
    BULK = "bulk", N_("批量修改")
    TAG = "tag", N_("标记证书")
    MERGE = "merge", N_("合并记录")
    UNDO = "undo", C_("work", "撤销")
    EDIT = "edit", N_("单条修改")


IMPORT_WRITE, TAG_WRITE = FirmAct.IMPORT_WRITE.value, LadderAct.TAG_WRITE.value
WORK: dict[Work, tuple[str, ...]] = {
    Work.IMPORT: (IMPORT_WRITE,),
    Work.BULK: (
        *(act.value for act in BulkAct), FirmAct.BULK_SET.value, ProjectAct.PORTFOLIO.value,
        FollowUpAct.STEPS_HAND_OVER.value,
    ),
    Work.TAG: (TAG_WRITE,),
    Work.MERGE: ("record.merged",),
    Work.UNDO: ("operation.undone", FirmAct.IMPORT_UNDO.value, LadderAct.TAG_UNDO.value),
    Work.EDIT: (
        *(
            act.value
            for act in (
                FirmAct.REGISTER, FirmAct.EDIT, FirmAct.RENAME, FirmAct.MOVE, FirmAct.ARCHIVE, FirmAct.RESTORE,
                FirmAct.NAME_ADD, FirmAct.NAME_DROP, FirmAct.CONTACT_SAVE, FirmAct.CONTACT_DROP, FirmAct.FIGURES_SET,
                FirmAct.IP_SET, FirmAct.EQUITY_SAVE, FirmAct.EQUITY_DROP, FirmAct.INSTITUTION_SAVE,
                FirmAct.INSTITUTION_DROP, FirmAct.ABOVE_SCALE_SET,
            )
        ),
        *(
            act.value
            for act in (
                LadderAct.GRANT, LadderAct.END, LadderAct.REOPEN, LadderAct.CORRECT, LadderAct.APPLICATION_OPEN,
                LadderAct.APPLICATION_ADVANCE,
            )
        ),
        *(
            act.value
            for act in (
                ProjectAct.REPORT, ProjectAct.EDIT, ProjectAct.MOVE, ProjectAct.ASIDE, ProjectAct.RESUME,
                ProjectAct.APPOINT, ProjectAct.HAND_OVER, ProjectAct.MEMBERS, ProjectAct.WAIVE, ProjectAct.UNWAIVE,
                ProjectAct.EVIDENCE, ProjectAct.EVIDENCE_DROP, ProjectAct.CLAIM, ProjectAct.RELEASE,
                ProjectAct.DECIDE, ProjectAct.FEEDBACK, ProjectAct.PAY, ProjectAct.PAY_CHECK,
                ProjectAct.PAY_WITHDRAW, ProjectAct.COUNT, ProjectAct.UNCOUNT, ProjectAct.LINK,
                ProjectAct.ARCHIVE, ProjectAct.RESTORE,
            )
        ),
        FollowUpAct.STEP_HAND_OVER.value,
        "record.restored",
    ),
}  # fmt: skip
OF: dict[str, Work] = {action: work for work, actions in WORK.items() for action in actions}
# granting or following for a selection is tagging; for one firm it is a single edit
SELECTED = (LadderAct.GRANT.value, LadderAct.APPLICATION_OPEN.value)
FEW = 2  # change rows a single grant writes at most
EVERY = tuple(OF)
