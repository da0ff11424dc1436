import java.nio.charset.Charset;
import java.util.concurrent.TimeUnit;

public class Main {
    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            System.out.println("child " + Charset.defaultCharset() + " " + System.getProperty("sun.jnu.encoding"));
            return;
        }
        String java = ProcessHandle.current().info().command().orElseThrow();
        Process child = new ProcessBuilder(java, "-cp", "/app", "Main", "child").inheritIO().start();
        System.out.println(child.waitFor(60, TimeUnit.SECONDS) + " " + child.exitValue());
    }
}
