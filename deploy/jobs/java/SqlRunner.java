import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/** Runs one of the SQL files of this jar as a Flink job: {@code SqlRunner <job> [name=value …]}. */
public final class SqlRunner {
    public static void main(String[] args) throws Exception {
        String job = args[0];
        String sql;
        try (InputStream file = SqlRunner.class.getResourceAsStream("/" + job + ".sql")) {
            if (file == null) {
                throw new IllegalArgumentException("no job named " + job + " in this jar");
            }
            sql = new String(file.readAllBytes(), StandardCharsets.UTF_8);
        }
        for (int i = 1; i < args.length; i++) {
            String[] setting = args[i].split("=", 2);
            sql = sql.replace("${" + setting[0] + "}", setting[1]);
        }
        int open = sql.indexOf("${");
        if (open >= 0) {
            throw new IllegalArgumentException("no value for " + sql.substring(open, sql.indexOf('}', open) + 1));
        }
        TableEnvironment table = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        table.getConfig().set("pipeline.name", job);
        table.getConfig().set("table.local-time-zone", "UTC");
        table.createTemporarySystemFunction("spend", Spend.class);
        table.createTemporarySystemFunction("words", Words.class);
        for (String statement : sql.replaceAll("(?m)^\\s*--.*$", "").split(";\\s*(\\n|$)")) {
            if (!statement.isBlank()) {
                table.executeSql(statement.trim());
            }
        }
    }
}
