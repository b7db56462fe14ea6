/** The triggers that keep a table as it was written. The schema has the function that refuses already. */
export const keptTableSql = (schema: string, table: string): string => `
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON ${schema}.${table}
  FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON ${schema}.${table}
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse_change();`;

/**
 * Whatever is said of an event is added, never changed: the database itself refuses otherwise. The function is made with
 * each schema that uses it, because the two may lie in different databases.
 */
export const appendOnlySql = (schema: string, tables: readonly string[]): string => `
CREATE FUNCTION ${schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on %.% is refused: it is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
${tables.map((table) => keptTableSql(schema, table)).join('\n')}
`;
