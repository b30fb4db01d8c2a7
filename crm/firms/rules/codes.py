"""The unified social credit code 统一社会信用代码 (GB 32100-2015): read, checked, and refused with the reason. Pure."""

from __future__ import annotations

import unicodedata

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength

from crm.core.words import N_, Refused

_LEFT_OUT = frozenset("IOSVZ")


def clean_code(text: str) -> str:
    """A code as it is stored: half width, capitals, without spaces and hyphens."""
    return uscc.compact(
        unicodedata.normalize("NFKC", text).replace("—", "").replace("–", "").replace("\t", "")
    )


def check_code(text: str) -> str:
    """The code in the form it is stored. Raises `Refused` with the reason, an old registration number by its name."""
    code = clean_code(text)
    try:
        return str(uscc.validate(code))
    except InvalidLength:
        raise _wrong_length(code) from None
    except InvalidChecksum:
        raise Refused(
            N_("信用代码「%(code)s」的校验位不对，请核对有没有抄错。"), code=code, field="code"
        ) from None
    except InvalidFormat:
        wrong = sorted({c for c in code if c in _LEFT_OUT})
        if wrong:
            raise Refused(
                N_("信用代码里不会有字母 %(letters)s，请看是不是数字 1、0、5 或 2。"),
                letters=wrong,
                field="code",
            ) from None
        if "E+" in code or "." in code:
            raise lost_digits() from None
        raise Refused(
            N_("「%(code)s」不是信用代码：前 8 位应是数字，其余是数字或大写字母。"), code=code, field="code"
        ) from None


def lost_digits() -> Refused:
    """A code typed as a number: Excel keeps 15 digits, so the last ones are gone."""
    return Refused(
        N_("信用代码是数字格式，Excel 只保留 15 位，后面的位数已丢失；请把这一列设为文本后重新填写。"),
        field="code",
    )


def _wrong_length(code: str) -> Refused:
    if "E+" in code or (code.endswith(".0") and code[:-2].isdigit()):
        return lost_digits()
    if len(code) == 15 and code.isdigit():
        return Refused(
            N_("「%(code)s」是 15 位的旧工商注册号，不是 18 位统一社会信用代码。"), code=code, field="code"
        )
    if len(code) == 9:
        return Refused(
            N_("「%(code)s」是 9 位组织机构代码，不是 18 位统一社会信用代码。"), code=code, field="code"
        )
    return Refused(
        N_("信用代码应是 18 位，「%(code)s」有 %(n)d 位。"), code=code[:40], n=len(code), field="code"
    )
