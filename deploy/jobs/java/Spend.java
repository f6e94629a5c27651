import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * The cost knob: returns its first argument after work of a settable size, so that a small machine
 * shows the scaling of a large one at a small record rate.
 *
 * <p>{@code cpu} microseconds of processor time are burnt per call, measured by the thread's own
 * clock: the same on a fast and a slow machine, and not counting the time a CPU quota holds the
 * thread back. {@code pace} microseconds are slept per call instead where no quota is to be had, so
 * that a worker still has a capacity; its CPU then says little.
 */
public class Spend extends ScalarFunction {
    /** Shorter sleeps than this are saved up: the kernel cannot sleep for microseconds. */
    private static final long SHORTEST_SLEEP = 5_000_000L;

    private transient ThreadMXBean clock;
    private transient long sleepOwed;
    private transient long spentAhead;
    private transient long sink;

    @Override
    public void open(FunctionContext context) {
        clock = ManagementFactory.getThreadMXBean();
    }

    @Override
    public boolean isDeterministic() {
        return false; // else the planner might evaluate it once, or never
    }

    public String eval(String value, int cpu, int pace) throws InterruptedException {
        if (cpu > 0) {
            burn(cpu * 1_000L);
        }
        if (pace > 0) {
            sleepOwed += pace * 1_000L;
            if (sleepOwed >= SHORTEST_SLEEP) {
                long start = System.nanoTime();
                Thread.sleep(sleepOwed / 1_000_000L);
                sleepOwed -= System.nanoTime() - start; // an overslept wait shortens the next
            }
        }
        return value;
    }

    private void burn(long nanos) {
        long start = clock.getCurrentThreadCpuTime();
        long until = start + nanos - spentAhead;
        long now = start;
        while (now < until) {
            for (int i = 0; i < 500; i++) {
                sink = sink * 6364136223846793005L + 1442695040888963407L;
            }
            now = clock.getCurrentThreadCpuTime();
        }
        spentAhead = now - until; // what the last round overshot is taken off the next call
    }
}
