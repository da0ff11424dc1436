public class Hello {
    public static void main(String[] args) {
        System.out.printf("Hello from Java %s%n", Runtime.version().feature());
    }
}
