import pyodbc

print(sorted(pyodbc.drivers()))
connection = pyodbc.connect("Driver=SQLite3;Database=/tmp/x.db")
connection.execute("create table t(a int)")
connection.execute("insert into t values (3)")
print(connection.execute("select a from t").fetchall())
