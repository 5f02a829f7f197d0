//! What a copy of all rows asks of an engine: which columns there are, how rows that name each other come in, and
//! which numbers were given.

use crate::Result;
use crate::database::{Engine, Row, Transaction, params};

/// A query of all columns: table, name and type word, by table in the order in which a table holds them.
pub(crate) fn columns(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "select t.name as table_name, c.name as column_name, lower(c.type) as kind
             from sqlite_master t join pragma_table_info(t.name) c
             where t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' order by t.name, c.cid"
        }
        Engine::Postgres => {
            "select c.table_name::text as table_name, c.column_name::text as column_name, c.data_type::text as kind
             from information_schema.columns c join information_schema.tables t
                 on t.table_schema = c.table_schema and t.table_name = c.table_name
             where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
             order by c.table_name::text collate \"C\", c.ordinal_position"
        }
    }
}

/// A query of the last number that each table has given.
pub(crate) fn numbers(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "select name as table_name, seq as number from sqlite_sequence",
        Engine::Postgres => {
            "select regexp_replace(sequencename::text, '_id_seq$', '') as table_name, last_value as number
             from pg_sequences where schemaname = current_schema() and last_value is not null"
        }
    }
}

/// Lets rows of this transaction name others that come after them; answers what [`resume_references`] wants back.
pub(crate) async fn suspend_references(tx: &mut Transaction) -> Result<Vec<String>> {
    if tx.engine() == Engine::Sqlite {
        tx.execute("pragma defer_foreign_keys = on", params![]).await?;
        return Ok(Vec::new());
    }
    let found = tx
        .fetch(
            "select conrelid::regclass::text as owner, quote_ident(conname::text) as name,
                 pg_get_constraintdef(oid)::text as definition
             from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace",
            params![],
        )
        .await?;
    let mut again = Vec::with_capacity(found.len());
    for row in found {
        let (owner, name): (String, String) = (row.get("owner")?, row.get("name")?);
        let definition: String = row.get("definition")?;
        let drop = format!("alter table {owner} drop constraint {name}");
        tx.execute(sqlx::AssertSqlSafe(drop), params![]).await?;
        again.push(format!("alter table {owner} add constraint {name} {definition}"));
    }
    Ok(again)
}

/// Has every row name one that is there again. SQLite looks when the transaction ends.
pub(crate) async fn resume_references(tx: &mut Transaction, suspended: Vec<String>) -> Result<()> {
    for statement in suspended {
        tx.execute(sqlx::AssertSqlSafe(statement), params![]).await?;
    }
    Ok(())
}

/// Has a table go on with the number after the greatest of its own and `number`.
pub(crate) async fn number_from(tx: &mut Transaction, table: &str, number: i64) -> Result<()> {
    match tx.engine() {
        Engine::Sqlite => {
            let numbered =
                "select 1 from sqlite_master where name = $1 and lower(sql) like '%autoincrement%'";
            if tx.fetch_optional(numbered, params![table]).await?.is_none() {
                return Ok(());
            }
            let raised = "update sqlite_sequence set seq = max(seq, $2) where name = $1";
            if tx.execute(raised, params![table, number]).await? == 0 {
                tx.execute("insert into sqlite_sequence (name, seq) values ($1, $2)", params![table, number])
                    .await?;
            }
        }
        Engine::Postgres => {
            let sql = format!(
                "select setval(pg_get_serial_sequence('{table}', 'id'),
                     greatest($1, (select coalesce(max(id), 1) from {table})))::text"
            );
            tx.fetch_one(sqlx::AssertSqlSafe(sql), params![number.max(1)]).await?;
        }
    }
    Ok(())
}

/// The tables that number their rows by themselves.
pub(crate) async fn numbered_tables(tx: &mut Transaction) -> Result<Vec<String>> {
    let sql = match tx.engine() {
        Engine::Sqlite => {
            "select name as table_name from sqlite_master where lower(sql) like '%autoincrement%'"
        }
        Engine::Postgres => {
            "select table_name::text as table_name from information_schema.columns
             where table_schema = current_schema() and column_name = 'id' and is_identity = 'YES'"
        }
    };
    tx.fetch(sql, params![]).await?.iter().map(|row: &Row| row.get("table_name")).collect()
}
