public class Agent { public static void premain(String arguments) { System.out.println("agent " + arguments); } }
