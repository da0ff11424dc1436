import datetime
import locale
import ssl
import zoneinfo

locale.setlocale(locale.LC_ALL, "")
print(locale.getlocale(), "é".encode("idna"), b"\xe9".decode("latin-1"))
print(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")).isoformat())
print(len(ssl.create_default_context().get_ca_certs()) > 100, ssl.get_default_verify_paths().cafile)
