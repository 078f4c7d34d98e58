import pytest

from launcher.database import check_database
from launcher.errors import LauncherError
from launcher.network import free_port
from launcher.postgres import check_connection, hide_password, own_schema, start_postgres


def query(uri, sql, variables=None):
    import psycopg2

    options = (variables or {}).get("PGOPTIONS", "")
    connection = psycopg2.connect("postgresql" + uri.removeprefix("postgres"), options=options)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else None
    connection.close()
    return rows


def test_a_schema_of_one_s_own_is_where_tables_are_made_and_is_dropped_with_them(postgres):
    with own_schema(postgres.uri) as variables:
        query(postgres.uri, "CREATE TABLE only_here (id integer)", variables)
        ((schema,),) = query(postgres.uri, "SELECT schemaname FROM pg_tables WHERE tablename = 'only_here'")
        assert schema.startswith("demo_")

    assert query(postgres.uri, f"SELECT 1 FROM pg_namespace WHERE nspname = '{schema}'") == []


def test_it_is_dropped_after_an_error_too(postgres):
    with pytest.raises(ZeroDivisionError), own_schema(postgres.uri, prefix="failing"):
        1 / 0  # noqa: B018

    assert query(postgres.uri, "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'failing%'") == []


def test_a_private_server_is_gone_with_its_data_when_stopped(tmp_path):
    server = start_postgres(tmp_path)
    assert query(server.uri, "SELECT 1") == [(1,)]

    server.stop()

    assert not server.data.exists()
    with pytest.raises(LauncherError, match="cannot be used"):
        check_connection(server.uri)


def test_nobody_else_gets_into_a_private_server(postgres):
    with pytest.raises(LauncherError, match="password authentication failed"):
        check_connection(postgres.uri.replace("postgres:", "postgres:not-", 2).replace("postgres:not-//", "postgres://"))


def test_a_database_that_does_not_answer_is_named_without_its_password():
    uri = f"postgres://me:secret@127.0.0.1:{free_port()}/db"

    with pytest.raises(LauncherError, match="cannot be used") as error:
        check_database(uri)

    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgres://me:sec:ret@host:5432/db", "postgres://me@host:5432/db"),
        ("postgres://me@host/db", "postgres://me@host/db"),
        ("sqlite://storage.db", "sqlite://storage.db"),
    ],
)
def test_passwords_are_hidden(uri, shown):
    assert hide_password(uri) == shown


NO_URIS = ["storage.db", "sqlite:///abs.db", "sqlite://../x.db", "sqlite://a/b.db", "mysql://a@b/c", "postgres://host/db", ""]


@pytest.mark.parametrize("uri", NO_URIS)
def test_what_is_not_a_database_uri_is_refused(uri):
    with pytest.raises(LauncherError, match="is not a database URI"):
        check_database(uri)


def test_a_file_of_sqlite_needs_no_server():
    check_database("sqlite://storage.db")
