import click
import ours


@click.command()
@click.option("--name")
def main(name):
    click.echo(ours.greet(name))


main()
