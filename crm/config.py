"""Every setting, typed, from the environment. The README lists the same names (a test compares them)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crm.core.mail import read_server
from crm.core.words import N_, Refused

ROOT = Path(__file__).resolve().parent.parent

NAMES = {
    "CRM_DATA": N_("放内置数据库、文件和密钥的文件夹"),
    "CRM_DATABASE_URL": N_("PostgreSQL 的地址;不设则用内置的 SQLite"),
    "CRM_HOST": N_("监听的地址,默认 127.0.0.1"),
    "CRM_PORT": N_("监听的端口,默认 8000"),
    "CRM_BASE_URL": N_("用户浏览器里看到的地址,以 https:// 开头时启用安全 Cookie"),
    "CRM_SECRET_KEY": N_("签名密钥;不设则用 CRM_DATA 里的密钥文件"),
    "CRM_TRUSTED_PROXIES": N_("前面有几层可信的反向代理,默认 0"),
    "CRM_SMTP_URL": N_(
        "发信服务器，如 smtp+starttls://用户:口令@主机:587?from=发件人@域名；不设则邮件写成文件"
    ),
    "CRM_FILES_URL": N_("附件存放处;不设则放在 CRM_DATA/files"),
    "CRM_IMPORT_DAYS": N_("没有写入的导入文件保留几天,默认 30"),
    "CRM_FILE_QUOTA_MB": N_("每人上传文件的限额(MB)，默认 5120"),
    "CRM_SCAN_COMMAND": N_("检查上传文件的命令，文件路径接在后面：返回 0 通过，1 不通过；不设则只核对格式"),
    "CRM_DEMO": N_("1 带示范数据,0 不带;不设时新建的内置数据库带示范数据"),
}


@dataclass(frozen=True, slots=True)
class Config:
    data: Path
    database_url: str
    host: str
    port: int
    base_url: str
    secret_key: str
    trusted_proxies: int
    smtp_url: str
    files_url: str
    demo: bool | None
    import_days: int = 30
    file_quota: int = 5120 * 1024 * 1024  # bytes
    scan_command: str = ""

    @property
    def is_embedded(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def demo_accounts(self) -> Path:
        """Where the demo's random passwords are kept (mode 0600), only while demo is on."""
        return self.data / "demo-accounts.json"

    @property
    def has_demo(self) -> bool:
        """Whether the demo was written and has not been switched off."""
        return self.demo is not False and self.demo_accounts.exists()

    @property
    def address(self) -> str:
        """Where the office opens Tidui, for links in mails: as set, else where it listens."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")


def _number(env: Mapping[str, str], name: str, default: int, top: int) -> int:
    raw = env.get(name, "").strip()
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or int(raw) > top:
        raise Refused(
            N_("环境变量 %(name)s 应是 0 到 %(top)s 的整数,现在是「%(raw)s」。"), name=name, top=top, raw=raw
        )
    return int(raw)


def _demo(raw: str) -> bool | None:
    if raw not in ("", "0", "1"):
        raise Refused(N_("环境变量 CRM_DEMO 只能是 0 或 1,现在是「%(raw)s」。"), raw=raw)
    return None if raw == "" else raw == "1"


def _database_url(raw: str, data: Path) -> str:
    if not raw:
        return f"sqlite:///{data / 'tidui.sqlite'}"
    for prefix in ("postgres://", "postgresql://"):
        if raw.startswith(prefix):
            return "postgresql+psycopg://" + raw.removeprefix(prefix)
    if raw.startswith(("postgresql+psycopg://", "sqlite:///")):
        return raw
    raise Refused(N_("CRM_DATABASE_URL 应以 postgresql:// 开头。"))


def _secret_key(raw: str, data: Path) -> str:
    """The signing key: from the environment (at least 32 characters), else a file made once, mode 0600."""
    if raw:
        if len(raw) < 32 or len(set(raw)) < 8:
            raise Refused(N_("CRM_SECRET_KEY 太短或太简单,至少要 32 个随机字符。"))
        return raw
    path = data / "secret.key"
    if not path.exists():
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = data / f".secret.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # the first of two starters wins
        except FileExistsError:
            pass
        except OSError:
            temporary.replace(path)
        temporary.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


def _smtp_url(raw: str) -> str:
    read_server(raw)
    return raw


def load(env: Mapping[str, str] | None = None) -> Config:
    """Read all settings. Raises `Refused` with a sentence when one cannot be used."""
    env = os.environ if env is None else env
    data = Path(env.get("CRM_DATA") or ROOT / "var").expanduser().resolve()
    return Config(
        data=data,
        database_url=_database_url(env.get("CRM_DATABASE_URL", "").strip(), data),
        host=env.get("CRM_HOST", "").strip() or "127.0.0.1",
        port=_number(env, "CRM_PORT", 8000, 65535),
        base_url=env.get("CRM_BASE_URL", "").strip().rstrip("/"),
        secret_key=_secret_key(env.get("CRM_SECRET_KEY", ""), data),
        trusted_proxies=_number(env, "CRM_TRUSTED_PROXIES", 0, 9),
        smtp_url=_smtp_url(env.get("CRM_SMTP_URL", "").strip()),
        files_url=env.get("CRM_FILES_URL", "").strip(),
        demo=_demo(env.get("CRM_DEMO", "").strip()),
        import_days=max(1, _number(env, "CRM_IMPORT_DAYS", 30, 3650)),
        file_quota=_number(env, "CRM_FILE_QUOTA_MB", 5120, 100_000_000) * 1024 * 1024,
        scan_command=env.get("CRM_SCAN_COMMAND", "").strip(),
    )
