import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.types.Row;

/** Splits a line into its words, one row each. */
@FunctionHint(output = @DataTypeHint("ROW<word STRING>"))
public class Words extends TableFunction<Row> {
    public void eval(String line) {
        for (String word : line.split(" ")) {
            if (!word.isEmpty()) {
                collect(Row.of(word));
            }
        }
    }
}
